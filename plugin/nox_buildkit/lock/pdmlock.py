"""The groups that a pdm.lock was made with."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field

from nox_buildkit.errors import Code, LockError
from nox_buildkit.lock.readers import (
    MAX_MANIFEST,
    Document,
    locator,
    parse_toml,
    read_text,
    validated,
)

_HEAD = re.compile(r"^\[metadata\]$.*?(?=^\[(?!metadata[.\]])|\Z)", re.MULTILINE | re.DOTALL)


class _Metadata(Document):
    groups: list[str] = Field(default=[])


class _Head(Document):
    metadata: _Metadata = _Metadata()


def pdm_groups(lock: Path) -> list[str]:
    """The groups of ``lock``. Raises LockError."""
    text = read_text(lock)
    found = _HEAD.search(text)
    if not found:
        return []
    head, line = found[0], text.count("\n", 0, found.start()) + 1
    if len(head) > MAX_MANIFEST:
        raise LockError(Code.UNREADABLE_SOURCE(f"{lock}: is not a pdm.lock", "run 'pdm lock'"))
    tables = parse_toml(head, lock, line)
    return validated(_Head, tables, locator(head, lock, line)).metadata.groups
