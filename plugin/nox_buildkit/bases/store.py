"""Assembled bases in the cache: found by what was asked for, and kept by their digest.

A base that was replaced by a newer one stays for a day, since another build may be reading it.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

from nox_buildkit.cache_entries import drop, is_whole, read_cached, seal, write_cached
from nox_buildkit.files import remove

#: Longer than any build that began before a base was replaced.
_KEPT_SECONDS = 24 * 3600
#: A base that is in use is marked as such so often: not in each run, which would be a change of it.
_MARKED_SECONDS = 3600


def find(place: Path) -> tuple[Path, dict[str, Any]] | None:
    """The folder of the newest base of ``place``, and what ``keep`` was told of it.

    None if there is none, or if it is damaged.
    """
    known = read_cached(_entry(place))
    if known is None:
        return None
    folder = _folder(place, known["digest"])
    if not is_whole(folder, _seal(folder)):
        return None
    with contextlib.suppress(OSError):
        if folder.stat().st_mtime < time.time() - _MARKED_SECONDS:
            os.utime(folder)
    return folder, known


def keep(place: Path, layout: Path, known: dict[str, Any]) -> Path:
    """Make the folder ``layout`` the newest base of ``place``; return where it is from now on.

    ``known``: what is to be known of it, its ``digest`` at least. The caller holds the lock.
    """
    folder = _folder(place, known["digest"])
    if not is_whole(folder, _seal(folder)):
        remove(folder)
        seal(layout, _seal(folder))
        layout.rename(folder)
    write_cached(_entry(place), known)
    for old in place.parent.glob(f"{place.name}-*"):
        if old.is_dir() and old != folder and old.stat().st_mtime < time.time() - _KEPT_SECONDS:
            remove(old)
            remove(_seal(old))
    return folder


def drop_damaged(place: Path) -> None:
    """Remove the base of ``place`` if it is damaged, and say so. The caller holds the lock."""
    known = read_cached(_entry(place))
    if known is not None:
        folder = _folder(place, known["digest"])
        if folder.exists() and not is_whole(folder, _seal(folder)):
            drop(folder)


def _entry(place: Path) -> Path:
    return place.with_name(f"{place.name}.json")


def _folder(place: Path, digest: str) -> Path:
    return place.with_name(f"{place.name}-{digest.removeprefix('sha256:')[:12]}")


def _seal(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.sealed")
