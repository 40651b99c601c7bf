"""Command lines as the exec forms that mean the same without a shell."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nox_buildkit.buildspec.model.interpolation import SHELLS, asks

_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::?-([^${}\s'\"]*))?\})")
#: What only a shell understands, once variables and ``&&`` are taken out.
_SYNTAX = re.compile(r"[&|;<>$`*?(){}\[\]~\\#!\n]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
#: Commands that only a shell has, or that change it for what follows.
_BUILTINS = frozenset(
    {".", "cd", "eval", "export", "if", "read", "set", "source", "trap", "ulimit", "umask", "wait"}
)
_FAILING = re.compile(r"\s*\|\|\s*exit\s+1\s*;?\s*$")


@dataclass(frozen=True, slots=True)
class Started:
    """A ``command`` in exec form, and what runs to its end before (``prestart``)."""

    command: tuple[str, ...]
    prestart: tuple[tuple[str, ...], ...] = ()

    @property
    def keys(self) -> dict[str, object]:
        """The keys of an image that say it."""
        prestart = [list(each) for each in self.prestart]
        return {"command": list(self.command)} | ({"prestart": prestart} if prestart else {})


def without_shell(text: str, known: Mapping[str, str]) -> Started | None:
    """Return what a shell would run for ``text``; None where that takes one.

    ``known``: variables that have a value or a default where the text gives them none.
    """
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:
        name, default = found[1] or found[2], found[3]
        held.append(f"${{{name}:-{known.get(name, '') if default is None else default}}}")
        return f"\ue000{len(held) - 1}\ue001"

    if "'" in text and "$" in text:
        # Between single quotes, a variable is none.
        return None
    plain = _VARIABLE.sub(hold, text.strip())
    commands = [_words(part, held) for part in plain.split("&&")]
    if not all(commands):
        return None
    *before, last = [tuple(words) for words in commands if words]
    return Started(last, tuple(before))


def exec_form(words: Sequence[str], known: Mapping[str, str]) -> Started:
    """Return an exec form as it is, or without the shell that it would start."""
    if (
        len(words) == 3
        and posixpath.basename(words[0]) in SHELLS
        and re.match("-[el]*c$", words[1])
    ):
        return without_shell(words[2], known) or Started(tuple(words))
    return Started(literal(words))


def literal(words: Sequence[str], whole: Sequence[str] = ()) -> tuple[str, ...]:
    """Return words that nobody reads, in a form to which a spec gives no value either.

    ``whole``: the entrypoint with its command, where ``words`` are one of them.
    """
    read = asks(whole or words)
    return tuple(word.replace("$", "$$") for word in words) if read else tuple(words)


def in_folder(words: Sequence[str], folder: str) -> list[str]:
    """Return a command that runs in ``folder`` of the working folder."""
    change = _change(folder)
    if tuple(words[:2]) == ("sh", "-c") and len(words) == 3:
        return ["sh", "-c", f"{change} {words[2]}"]
    read = asks(words)
    quoted = (_read_by_shell(w) if read and "$" in w else shlex.quote(w) for w in words)
    return ["sh", "-c", f"{change} exec {' '.join(quoted)}"]


def started_in(keys: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """Return ``keys`` of which the command, and what runs before it, runs in ``folder``."""
    found = dict(keys)
    entrypoint, command = keys.get("entrypoint", ()), keys.get("command", ())
    if folder and entrypoint:
        # It takes the command as its arguments, and a spec reads no word of it.
        if asks((*entrypoint, *command)):
            entrypoint, command = _stated(entrypoint), _stated(command)
        found["entrypoint"] = ["sh", "-c", f'{_change(folder)} exec "$@"', "sh", *entrypoint]
        found |= {"command": list(command)} if command else {}
    elif folder and command:
        found["command"] = in_folder(keys["command"], folder)
        if before := keys.get("prestart"):
            found["prestart"] = [in_folder(each, folder) for each in before]
    return found


def _stated(words: Sequence[str]) -> list[str]:
    """Return words as they were before :func:`literal`."""
    return [word.replace("$$", "$") for word in words]


def _change(folder: str) -> str:
    return f"cd {shlex.quote(folder)} &&"


def _read_by_shell(word: str) -> str:
    """Return a word with variables so that a shell fills them in."""
    escaped = re.sub(r"([\"\\`])", r"\\\1", word)
    return '"' + re.sub(r"\$\$|\$(?!\{)", r"\\$", escaped) + '"'


def shell_form(text: str, known: Mapping[str, str]) -> Started:
    """Return what a shell form runs; with a shell, where it takes one."""
    return without_shell(text, known) or Started(("sh", "-c", text.strip()))


def check_form(text: str, known: Mapping[str, str]) -> tuple[str, ...]:
    """Return the program of a health check: any failure is one, as ``|| exit 1`` says of it."""
    found = shell_form(_FAILING.sub("", text), known)
    return ("sh", "-c", text.strip()) if found.prestart else found.command


def _words(text: str, held: Sequence[str]) -> list[str]:
    """Return the words of a simple command; none where it is no simple one."""
    unquoted = re.sub(r"\"[^\"$`\\]*\"|'[^']*'", "", text)
    try:
        words = shlex.split(text)
    except ValueError:
        return []
    words = words[1:] if words[:1] == ["exec"] else words
    if not words or _SYNTAX.search(unquoted) or _ASSIGNMENT.match(words[0]):
        return []
    # A word that may be empty is none for a shell.
    empty = any(re.fullmatch("\ue000[0-9]+\ue001", word) and ":-}" in _held(word, held)
                for word in words)  # fmt: skip
    return [] if empty or words[0] in _BUILTINS else [_held(word, held) for word in words]


def _held(word: str, held: Sequence[str]) -> str:
    return re.sub("\ue000([0-9]+)\ue001", lambda found: held[int(found[1])], word)
