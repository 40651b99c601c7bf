"""A build context as facts: its files with their digests, what stays out, the project's version."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tomllib
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, Literal

from nox_buildkit.facts.ignore import Candidates, Locate
from nox_buildkit.facts.worktree import list_files
from nox_buildkit.file_digests import FileDigests
from nox_buildkit.plan.application import File, Sources
from nox_buildkit.plan.facts import ContextFacts

SourceKind = Literal["x", "-", "link"]

_CHUNK = 1 << 20


class Contexts:
    """Folders of build contexts, each looked at once for all images of a run.

    ``digests``: of files that were read before.
    """

    def __init__(self, digests: FileDigests) -> None:
        self.digests = digests
        self._list = cache(list_files)
        self._candidates: dict[tuple[Path, frozenset[Path]], Candidates] = {}
        self._read: dict[tuple[Path, frozenset[Path], tuple[str, ...]], ContextFacts] = {}

    def read(
        self,
        folder: Path,
        *,
        copy: Sequence[str],
        exclude: Collection[Path] = (),
        locate: Locate = lambda _: None,
    ) -> ContextFacts:
        """Read the files of ``folder``. Raises PlanError as ``Candidates.select`` does."""
        key = (folder, frozenset(exclude), tuple(copy))
        if key not in self._read:
            among = self._candidates.setdefault(key[:2], Candidates(folder, exclude, self._list))
            found = among.select(copy, locate)
            listed = among.listing.paths if copy else {}
            files = tuple(
                source_file(str(folder), path, self.digests, listed.get(path))
                for path in found.files
            )
            sources = Sources.of(str(folder), files, found.ignored)
            self._read[key] = ContextFacts(sources, stated_version(folder), found.warnings)
        return self._read[key]


def source_file(
    folder: str, relative: str, digests: FileDigests, known: os.stat_result | None = None
) -> File:
    """Return a file of ``folder`` with the digest of its mode and content.

    ``known``: its status, if somebody has asked for it.
    """
    path = f"{folder}/{relative}"
    status = known or os.lstat(path)

    def read() -> str:
        if stat.S_ISLNK(status.st_mode):
            return source_digest("link", io.BytesIO(os.fsencode(Path(path).readlink())))
        # The owner's bit alone: that is what an image keeps.
        kind: SourceKind = "x" if status.st_mode & stat.S_IXUSR else "-"
        with Path(path).open("rb") as stream:
            return source_digest(kind, stream)

    return File(relative, status.st_size, digests.of(path, status, read))


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
