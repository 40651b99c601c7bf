"""Text from outside: what of it an image can hold, and how it stands in a message."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Collection, Iterable

from nox_buildkit.printable import redacted, visible

# Control characters, halves of surrogate pairs, line separators, and the bidirectional overrides
# that make a reviewed file look different from what a machine reads.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")

SMALLEST = "{version: 1, images: {app: {command: [python, -m, app]}}}"

_HINTS = 100
_WORD = 128
_LISTED = 20


class Invalid(ValueError):
    """A value that cannot be; ``at`` leads from it to the part that is wrong."""

    def __init__(self, message: str, hint: str = "", at: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.at = at


def escaped(value: str, limit: int = 80) -> str:
    """``value`` on one line, without credentials, at most ``limit`` characters of it."""
    text = redacted(value[: 4 * limit])
    if len(text) > limit:
        text = text[: limit - 3] + "..."
    return visible(text)


def shown(value: str) -> str:
    """``value`` in quotes, fit for a message."""
    return f"'{escaped(value)}'"


def nearest(word: str, known: Iterable[str], earlier: int = 0) -> str:
    """The hint that names the known word closest to ``word``; empty when none is close.

    ``earlier``: how many problems of this kind there are already. A hundred candidates and a
    hundred hints are more than anybody reads, and keep a huge file from costing minutes.
    """
    if earlier >= _HINTS:
        return ""
    candidates = [name[:_WORD] for name in itertools.islice(known, _HINTS)]
    close = difflib.get_close_matches(word[:_WORD], candidates, n=1)
    return f"did you mean {shown(close[0])}?" if close else ""


def listed(names: Collection[str]) -> str:
    """``names`` with commas between them; of many the first twenty, and how many more."""
    first = ", ".join(escaped(name) for name in itertools.islice(names, _LISTED))
    more = len(names) - _LISTED
    return f"{first} and {more} more" if more > 0 else first


def printable(value: str, allowed: str = "") -> str:
    """Refuse what a Dockerfile or an image configuration cannot hold."""
    for match in _CONTROL.finditer(value):
        if match[0] not in allowed:
            name = "a newline" if match[0] == "\n" else f"the character U+{ord(match[0]):04X}"
            raise Invalid(f"holds {name}, which cannot stand here", "remove it")
    return value


def argument(value: str) -> str:
    """One argument of an exec form: JSON escapes newlines and tabs, so they may stand in it."""
    return printable(value, allowed="\n\t")


def value_text(value: str) -> str:
    """An environment or label value: a Dockerfile has no way to write a newline in one."""
    return printable(value, allowed="\t")
