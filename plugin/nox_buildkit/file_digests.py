"""Digests of files, kept for as long as a file has the same size, times and number, as git does it.

A program can set the time of modification, and not the time of change.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

from nox_buildkit import observation
from nox_buildkit.cache_entries import is_settled, read_cached, stamp, write_cached
from nox_buildkit.files import cache_dir, private_dir


class FileDigests:
    """Digests of files by their absolute paths, kept in the cache folder; for several threads.

    ``owner``: the folder that they are about; ``kind``: of the digests.
    """

    def __init__(self, owner: Path, kind: str) -> None:
        name = hashlib.sha256(f"{kind} {owner}".encode()).hexdigest()[:16]
        self._place = cache_dir() / "digests" / f"{name}.json"
        self._known: dict[str, list[int | str]] | None = None
        self._added = False
        self._reading = threading.Lock()

    def of(self, path: str, status: os.stat_result, read: Callable[[], str]) -> str:
        """Return the digest of the file ``path``, which ``read`` returns of one that is new.

        ``status``: of the file itself, from before it is read.
        """
        with self._reading:
            if self._known is None:
                observation.remembers(self._place)
                self._known = read_cached(self._place) or {}
        now = stamp(status)
        kept = self._known.get(path)
        if kept and kept[:-1] == now:
            return str(kept[-1])
        digest = read()
        # A file that has just been changed is read again the next time.
        if is_settled(status.st_ctime_ns):
            self._known[path] = [*now, digest]
            self._added = True
        return digest

    def keep(self) -> None:
        """Write down what was read, without files that are gone."""
        if self._known and self._added:
            there = {path: kept for path, kept in self._known.items() if os.path.lexists(path)}
            private_dir(self._place.parent)
            write_cached(self._place, there)
            self._added = False
