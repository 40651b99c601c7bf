"""Indexes that a requirements file names itself."""

from __future__ import annotations

import re
from pathlib import Path

from nox_buildkit.errors import LockError, Problem
from nox_buildkit.lock.source import logical_lines
from nox_buildkit.spec.grammar import index_url
from nox_buildkit.spec.text import Invalid

_OPTION = re.compile(r"^(?P<option>-i|--index-url|--extra-index-url)[ =]\s*(?P<url>\S+)$")


def stated_indexes(lock: Path) -> tuple[str | None, tuple[str, ...]]:
    """The index that ``lock`` names in place of the default one, and those it names besides.

    Raises LockError for what is no address of an index.
    """
    default, extra = None, []
    for line in logical_lines(lock.read_text()):
        if not (found := _OPTION.match(line)):
            continue
        try:
            url = index_url(found["url"])
        except Invalid as error:
            raise LockError(Problem(f"{lock.name}: {error.message}", error.hint)) from None
        if found["option"] == "--extra-index-url":
            extra.append(url)
        else:
            default = url
    return default, tuple(extra)
