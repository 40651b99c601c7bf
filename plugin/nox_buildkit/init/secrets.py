"""Secrets among the values that a file states: everyone who has an image can read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from nox_buildkit.plan.secret_names import is_secret_name
from nox_buildkit.printable import has_credentials

#: The name of an option or of a variable, and the value that is joined to it.
_NAMED = re.compile(r"(-*)([A-Za-z][\w.-]*)(?:=(.*))?", re.DOTALL)
#: Values that are the place of a secret, or are filled in later.
_ELSEWHERE = ("/", "./", "../", "~", "$", "-")


def is_secret(name: str, value: str) -> bool:
    """Tell whether a variable is named like a secret, or has a login in its value."""
    return is_secret_name(name) or has_credentials(value)


def secret_in(words: Sequence[str]) -> str:
    """Return the name of a secret in the words of a command; empty if there is none."""
    pieces = [piece for word in words for piece in word.split()]
    for piece, following in pairwise([*pieces, ""]):
        found = _NAMED.fullmatch(piece)
        name = found[2].replace("-", "_") if found else ""
        if found and is_secret_name(name):
            value = found[3] if found[3] is not None else following if found[1] else ""
            if value.strip("\"'") and not value.strip("\"'").startswith(_ELSEWHERE):
                return found[2]
        if has_credentials(piece):
            return "a login"
    return ""
