"""Checks of a poetry.lock, made before Poetry exports it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from nox_buildkit.lock.readers import Document, locator, parse_toml, read_text, validated


class _Package(Document):
    name: str
    version: str
    files: list[dict[str, Any]] = Field(default=[])
    dependencies: dict[str, Any] = Field(default={})
    extras: dict[str, Any] = Field(default={})


class _Metadata(Document):
    # Poetry 1.0 wrote none.
    lock_version: str = ""
    content_hash: str


class _PoetryLock(Document):
    # An empty one of Poetry is an empty array.
    package: list[_Package] = Field(default=[])
    metadata: _Metadata


def check_poetry_lock(lock: Path) -> None:
    """Raise LockError, with its place, for what Poetry would take for a lock that is stale."""
    text = read_text(lock)
    validated(_PoetryLock, parse_toml(text, lock), locator(text, lock))
