"""Answers of indexes about locks: their places, and what they depend on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Collection
from pathlib import Path

from nox_buildkit.errors import LockError
from nox_buildkit.files import cache_dir, private_dir
from nox_buildkit.lock.folders import contents
from nox_buildkit.lock.readers import read_text
from nox_buildkit.lock.source import Source
from nox_buildkit.lock.uv_settings import settings_for

#: Locks that an index is asked about at once; a single one is asked about where it is read.
_AT_A_TIME, _SEVERAL = 8, 2


def ask_together(sources: Collection[Source], tell: Callable[[str], None]) -> None:
    """Ask for the files of those that are not known yet, several at a time.

    What goes wrong is told when the lock is read.
    """
    if len(sources) < _SEVERAL:
        return
    missing = [(source, place) for source in sources if not (place := place_of(source)).exists()]
    if len(missing) < _SEVERAL:
        return
    # Not on the way of a run that finds nothing to do.
    from nox_buildkit.at_once import at_once  # noqa: PLC0415
    from nox_buildkit.lock.pylock import ask  # noqa: PLC0415

    def ask_one(one: tuple[Source, Path]) -> None:
        with contextlib.suppress(LockError):
            ask(*one)

    tell(f"asking the index for the files of {len(missing)} locks")
    at_once(ask_one, missing, _AT_A_TIME)


def place_of(source: Source) -> Path:
    """Return the place of the answer in the cache."""
    digest = hashlib.sha256(state(source).encode()).hexdigest()
    return private_dir(cache_dir() / "pylock") / f"{digest}.json"


def state(source: Source) -> str:
    """All that the answer depends on: the lock, and where uv looks for its packages."""
    # Another index may hold other files of the same versions.
    indexes = {
        key: value
        for key, value in sorted(os.environ.items())
        if key.startswith("UV_")
        and ("INDEX" in key or "FIND_LINKS" in key)
        and "PASSWORD" not in key
    }
    return json.dumps(
        [
            read_text(source.output),
            source.python,
            source.index,
            source.extra_indexes,
            [(str(folder), contents(folder)) for folder in source.find_links],
            indexes,
            settings_for(source.path),
        ],
        default=str,
    )
