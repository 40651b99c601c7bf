"""Programs that ``RUN`` starts: what they install, and which of them have no counterpart."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nox_buildkit.init.dockerfile.heredocs import is_heredoc
from nox_buildkit.init.dockerfile.stages import Instruction
from nox_buildkit.init.dockerfile.words import split
from nox_buildkit.init.stated import ALL

_MOUNT = re.compile(r"^(?:--(?:mount|network|security)=\S+\s+)+")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.]")
#: Where packages are compiled, these are already; or they were there to fetch and to install.
_COMPILERS = frozenset(
    {
        "build-essential", "ca-certificates", "curl", "g++", "gcc", "git", "libc6-dev", "make",
        "python3", "python3-dev", "python3-pip", "python3-venv", "wget",
    }
)  # fmt: skip
#: Programs that install what is locked, or put the sources and their owner into place.
_USUAL = re.compile(
    r"(?:set\s+-|apt(?:-get|-mark)?\s|rm\s+-|(?:\S*/)?(?:pip3?|uv|poetry|pdm|pipenv)\s"
    r"|(?:\S*/)?python3?\s+-m\s+(?:pip|venv|ensurepip|virtualenv)\b|virtualenv\s|mkdir\s|groupadd\s"
    r"|useradd\s|adduser\s|addgroup\s|chown\s|chmod\s|true\s*$|curl\s+-\S+\s+https://astral\.sh/uv)"
)
_INSTALLERS = frozenset(
    {"pip", "uv", "poetry", "pdm", "pipenv", "setuptools", "wheel", "virtualenv"}
)
_WITH_VALUE = frozenset(
    {"-c", "--constraint", "-i", "--index-url", "--extra-index-url", "--python", "--target", "-t",
     "--prefix", "-f", "--find-links", "--trusted-host", "--root", "--cache-dir", "-p"}
)  # fmt: skip
_JOINED = {"-r": "files", "--requirement": "files", "--requirements": "files",
           "--extra": "extras", "-E": "extras", "--extras": "extras",
           "--group": "groups", "--with": "groups", "-G": "groups"}  # fmt: skip


#: A script that another program reads than a shell.
_OTHER_SHELL = re.compile(r"#!(?!\S*(?:/|env (?:-S )?)(?:ba|da|k|z)?sh\b)")


@dataclass(slots=True)
class Installed:
    """Packages and folders of instructions; ``named``: (line, requirement) that no file states."""

    debian: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    extras: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    named: list[tuple[int, str]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    owned: list[str] = field(default_factory=list)
    accounts: dict[str, int] = field(default_factory=dict)
    left: list[tuple[int, str]] = field(default_factory=list)


def compiled_with(packages: Sequence[str]) -> list[str]:
    """Return those of ``packages`` that compiling takes besides the compiler."""
    return [name for name in packages if name not in _COMPILERS]


def is_development(package: str) -> bool:
    """Tell whether a Debian package is for compiling."""
    return package.endswith("-dev") or package in ("pkg-config", "cmake", "rustc", "cargo")


def is_compiler(package: str) -> bool:
    """Tell whether a Debian package is a compiler, or of Debian's own Python."""
    return package in _COMPILERS - {"ca-certificates", "curl", "git", "wget"}


def take_run(found: Installed, instruction: Instruction) -> None:
    """Add what a ``RUN`` installs; in a shell form, of each of its commands."""
    text = _MOUNT.sub("", instruction.value)
    for command in _commands(text, instruction.heredoc):
        try:
            words = shlex.split(command, comments=True)
        except ValueError:
            words = command.split()
        if words and not _taken(found, words, instruction.line):
            found.left.append((instruction.line, f"RUN {command}"))


def _commands(text: str, heredoc: str) -> Iterator[str]:
    if text.startswith("["):
        yield text
        return
    is_script = all(map(is_heredoc, split(text))) and not _OTHER_SHELL.match(heredoc)
    script = f"{heredoc}\n".replace("\\\n", " ") if heredoc and is_script else text
    for command in re.split(r"&&|\|\||;|\n", script):
        if stripped := command.strip():
            yield stripped


def _taken(found: Installed, words: list[str], line: int) -> bool:
    text = " ".join(words)
    if not _USUAL.match(f"{text} " if len(words) == 1 else text):
        return False
    program = words[0].rpartition("/")[2]
    if program in ("apt", "apt-get"):
        _take_debian(found, words, line)
    elif program in ("mkdir", "chown"):
        paths = [word for word in words[1:] if word.startswith("/") or word == "."]
        (found.folders if program == "mkdir" else found.owned).extend(paths)
    elif program in ("useradd", "adduser"):
        if match := re.search(r"\s(?:-u|--uid)[\s=](\d+)\b", text):
            found.accounts |= {word: int(match[1]) for word in words[1:] if word.isidentifier()}
    elif {"install", "sync"} & set(words):
        _take_python(found, words, line)
    return True


def _take_debian(found: Installed, words: Sequence[str], line: int) -> None:
    if "install" not in words:
        return
    rest = iter(words[1:])
    for word in rest:
        name = word.partition("=")[0]
        if word in ("-t", "--target-release", "-o", "--option", "-c", "--config-file"):
            value = next(rest, "")
            if word in ("-t", "--target-release"):
                found.left.append((line, f"apt-get install {word} {value}"))
        elif word == "install" or word.startswith("-") or name in found.debian:
            continue
        elif _PACKAGE.fullmatch(name):
            found.debian.append(name)
        else:
            found.left.append((line, f"apt-get install {word}"))


def _take_python(found: Installed, words: Sequence[str], line: int) -> None:
    verb = next(word for word in words if word in ("install", "sync"))
    rest = iter(words[words.index(verb) + 1 :])
    syncs_files = [word.rpartition("/")[2] for word in words[:3]] == ["uv", "pip", "sync"]
    for word in rest:
        option, equals, value = word.partition("=")
        if option in ("--all-extras", "--all-groups"):
            getattr(found, option.removeprefix("--all-")).append(ALL)
        elif word.startswith("-r") and len(word) > 2:
            found.files.append(word[2:])
        elif syncs_files and not word.startswith("-"):
            found.files.append(word)
        elif option in _JOINED:
            given = value if equals else next(rest, "")
            getattr(found, _JOINED[option]).extend(re.split(r"[\s,]+", given.strip()))
        elif option in _WITH_VALUE and not equals:
            next(rest, None)
        elif match := re.fullmatch(r"\.\[([\w,\s.-]+)\]", word):
            found.extras.extend(re.split(r"\s*,\s*", match[1]))
        elif re.match(r"[A-Za-z0-9][\w.-]*(?:[\[=<>~!@].*)?$", word):
            name = re.split(r"[\[=<>~!@]", word)[0].lower()
            # poetry and uv install what the project states.
            if name not in _INSTALLERS and "pip" in " ".join(words[:3]) and "$" not in word:
                found.named.append((line, word))
