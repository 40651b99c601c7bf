"""A build context as facts: its files with their digests, what stays out, the project's version."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import IO, Any, Literal

from nox_buildkit.facts.ignore import Locate, select_files
from nox_buildkit.plan.facts import ContextFacts, SourceFile

SourceKind = Literal["x", "-", "link"]

_CHUNK = 1 << 20


def read_context(
    folder: Path,
    *,
    copy: Sequence[str],
    exclude: Collection[Path],
    locate: Locate = lambda _: None,
) -> ContextFacts:
    """Read the files of ``folder``. Raises PlanError as ``select_files`` does."""
    found = select_files(folder, copy, exclude, locate)
    return ContextFacts(
        folder=str(folder),
        files=tuple(source_file(folder, path) for path in found.files),
        ignored=found.ignored,
        version=stated_version(folder),
        warnings=found.warnings,
    )


def source_file(folder: Path, relative: str) -> SourceFile:
    """A file of ``folder`` with the digest of its mode and content."""
    path = folder / relative
    if path.is_symlink():
        target = os.fsencode(path.readlink())
        return SourceFile(relative, len(target), source_digest("link", io.BytesIO(target)))
    with path.open("rb") as stream:
        status = os.fstat(stream.fileno())
        # The owner's bit alone: that is what an image keeps.
        kind: SourceKind = "x" if status.st_mode & stat.S_IXUSR else "-"
        return SourceFile(relative, status.st_size, source_digest(kind, stream))


def source_digest(kind: SourceKind, content: IO[bytes]) -> str:
    """The digest of a source file: ``x`` can be executed, and ``link`` has its target to read."""
    return sha256_of(content, f"{kind}\0".encode())


def sha256_of(content: IO[bytes], before: bytes = b"") -> str:
    """The SHA-256 of ``before`` and ``content``, no more than a block of it in memory."""
    digest = hashlib.sha256(before)
    while chunk := content.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def stated_version(folder: Path) -> str:
    """The version that pyproject.toml states; empty where it is dynamic or there is none."""
    try:
        tables = tomllib.loads((folder / "pyproject.toml").read_text())
    except (OSError, ValueError):
        return ""
    for keys in (("project", "version"), ("tool", "poetry", "version")):
        value: Any = tables
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            return value
    return ""
