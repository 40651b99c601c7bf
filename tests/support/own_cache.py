"""Caches of the workers of a test run: images of equal names do not meet in one engine's store."""

from __future__ import annotations

import os
import shutil

from nox_buildkit.files import cache_place

#: The worker that has the cache of the user.
FIRST = "gw0"
#: What takes long to be made again, and names no engine.
_COPIED = ("apt", "bases", "coverage", "pylock", "tools", "uv", "wheelhouse")


def use_own_cache(worker: str) -> None:
    """Let this process, and all that it starts, have a cache that is kept for ``worker``."""
    users = cache_place()
    own = users.with_name(f"{users.name}-{worker}")
    os.environ["NOX_BUILDKIT_CACHE"] = str(own)
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in _COPIED:
        if (users / name).is_dir() and not (own / name).exists():
            shutil.copytree(users / name, own / name, symlinks=True)
