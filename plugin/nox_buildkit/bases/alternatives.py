"""Links that update-alternatives(1) makes when packages are installed, such as libblas.so.3.

Which ones is said by the packages' scripts, which are read and not run. What comes of it is decided
by update-alternatives itself, on empty files with the same names.
"""

from __future__ import annotations

import os
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.bases.image_inspection import Files
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.run import run

_FOLDER = "/etc/alternatives/"
#: Words of a shell that come before a command: of conditions, functions, cases.
_BEFORE = re.compile(r"if|then|elif|else|do|!|\{|\(|[\w-]+\(\)|\(?[\w*?.-]+\)")
_REDIRECTION = re.compile(r"\d*[<>]")
#: Programs that scripts ask for what is known here.
_KNOWN = (
    (re.compile(r"\$\(\s*dpkg\s+--print-architecture\s*\)"), "architecture"),
    (re.compile(r"\$\(\s*dpkg-architecture\s+-q\s*DEB_HOST_MULTIARCH\s*\)"), "multiarch"),
)


@dataclass(frozen=True, slots=True)
class Alternative:
    """Arguments of ``update-alternatives --install``: link, name, path, priority, --slave …"""

    arguments: tuple[str, ...]

    @property
    def link(self) -> str:
        """The link that leads to one of several programs."""
        return self.arguments[0]

    @property
    def path(self) -> str:
        """The program."""
        return self.arguments[2]


def stated(script: str, known: Mapping[str, str]) -> tuple[list[Alternative], bool]:
    """Return the alternatives that a maintainer script installs, and whether these are all of them.

    Conditions are taken for true, since an alternative counts only if its file is there.
    ``known``: architecture and multiarch, as scripts ask for them.
    """
    for pattern, name in _KNOWN:
        script = pattern.sub(known[name], script)
    found: list[Alternative] = []
    reader = _Reader({"DPKG_MAINTSCRIPT_ARCH": known["architecture"], "DPKG_ROOT": ""})
    reader.run(list(_commands(script)), found)
    return found, reader.complete


#: The value of a variable that is not known, which no word may hold.
_UNKNOWN = "$"


class _Reader:
    """Follows assignments and loops of a script; ``complete``: whether every word was known."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables
        self.complete = True

    def run(self, commands: Sequence[Sequence[str]], found: list[Alternative]) -> None:
        position = 0
        while position < len(commands):
            words = commands[position]
            position += 1
            if words[0] == "for" and words[2:3] == ["in"]:
                end = _end(commands, position)
                for value in self._expanded(words[3:]) or [_UNKNOWN]:
                    self.variables[words[1]] = value
                    self.run(commands[position:end], found)
                position = end
            elif match := re.fullmatch(r"(\w+)=(.*)", words[0], re.DOTALL):
                known = self._substituted(match[2])
                # What is computed by a program is not known, and mostly a second choice.
                if known is not None:
                    self.variables[match[1]] = known
            elif words[0] == "unset":
                self.variables |= dict.fromkeys(words[1:], "")
            elif "--install" in words and words[0].endswith("update-alternatives"):
                self._install(words[words.index("--install") + 1 :], found)

    def _install(self, words: Sequence[str], found: list[Alternative]) -> None:
        redirected = (n for n, word in enumerate(words) if _REDIRECTION.match(word))
        words = words[: next(redirected, len(words))]
        arguments = self._expanded(words)
        sound = len(arguments) >= 4 and arguments[3].isdigit()
        if sound and all(self._substituted(word) is not None for word in words):
            found.append(Alternative(tuple(arguments)))
        else:
            self.complete = False

    def _expanded(self, words: Iterable[str]) -> list[str]:
        """The words with values of variables, which may be several words."""
        return [part for word in words for part in (self._substituted(word) or "").split()]

    def _substituted(self, word: str) -> str | None:
        """A word with values of variables; None if it holds what is not known."""
        text = re.sub(
            r"\$\{(\w+)\}|\$(\w+)", lambda m: self.variables.get(m[1] or m[2], m[0]), word
        )
        return None if "$" in text or "`" in text else text


def _end(commands: Sequence[Sequence[str]], position: int) -> int:
    """Return the end of the loop whose body begins at ``position``."""
    depth = 1
    for number in range(position, len(commands)):
        words = commands[number]
        depth += words[0] in ("for", "while", "until")
        depth -= words[0] == "done"
        if not depth:
            return number + 1
    return len(commands)


def _commands(script: str) -> Iterator[list[str]]:
    """The simple commands of a script, each as its words."""
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
        # Of words too: what stands in them besides letters means nothing here.
        lexer.wordchars += "$`{}()[]<>!@%^+:,"
        try:
            tokens = list(lexer)
        except ValueError:
            # A string of several lines, such as a program for awk.
            continue
        words: list[str] = []
        for token in [*tokens, ";"]:
            if token.strip(";&|"):
                words.append(token)
                continue
            while words and _BEFORE.fullmatch(words[0]):
                words.pop(0)
            if words:
                yield words
            words = []


def links(alternatives: Iterable[Alternative], files: Files, skeleton: Path) -> dict[str, str]:
    """Return the links that update-alternatives makes of ``alternatives``: path → target.

    ``files``: those of the tree; ``skeleton``: a folder to use. Raises EngineError.
    """
    wanted = [one for one in alternatives if files.real(one.path)]
    if any(".." in word for one in wanted for word in one.arguments):
        raise EngineError(Code.BASE_ASSEMBLY("a package wants an alternative outside of the tree"))
    for folder in ("etc/alternatives", "var/lib/dpkg/alternatives", "var/log"):
        (skeleton / folder).mkdir(parents=True)
    for path in {word for one in wanted for word in one.arguments if word.startswith("/")}:
        _imitate(path, files, skeleton)
    for one in wanted:
        options = ["--quiet", "--root", str(skeleton), "--install", *one.arguments]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        done = run(["update-alternatives", *options], seconds=60, env=environment)
        if done.returncode:
            raise EngineError(Code.BASE_ASSEMBLY(f"update-alternatives: {done.cause[-300:]}"))
    made = (path for path in sorted(skeleton.rglob("*")) if path.is_symlink())
    found = {str(path.relative_to(skeleton)): str(path.readlink()) for path in made}
    return {
        path: target
        for path, target in found.items()
        if f"/{path}".startswith(_FOLDER) or target.startswith(_FOLDER)
    }


def _imitate(path: str, files: Files, skeleton: Path) -> None:
    """Make the folder of ``path`` and, if it is there, an empty file, with the links on the way."""
    folder, name = posixpath.split(path)
    here = ""
    for part in folder.strip("/").split("/"):
        here = f"{here}/{part}".strip("/")
        target = files.links.get(here)
        copy = skeleton / here
        if target is None:
            copy.mkdir(exist_ok=True)
        elif not copy.is_symlink():
            real = files.real(here) or here
            (skeleton / real).mkdir(parents=True, exist_ok=True)
            copy.symlink_to(os.path.relpath(skeleton / real, copy.parent))
    if files.real(path):
        (skeleton / folder.strip("/") / name).touch()
