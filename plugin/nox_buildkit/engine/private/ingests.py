"""Contents that the private engine has in part."""

from __future__ import annotations

import contextlib
import time

from nox_buildkit.engine.private.paths import EnginePaths
from nox_buildkit.files import remove

#: Of containerd's content store.
_INGESTS = "containerd/io.containerd.content.v1.content/ingest"
#: Seconds. What is being written grows all the time.
_STILL = 3


def forget_ingests() -> None:
    """Remove what a build that was ended has loaded in part, and nobody is loading now.

    BuildKit would go on with it, and cannot: what a client sends is not read from the middle.
    """
    time.sleep(_STILL)
    for data in (EnginePaths.current().data / _INGESTS).glob("*/data"):
        # It may have ended meanwhile.
        with contextlib.suppress(FileNotFoundError):
            if data.stat().st_mtime < time.time() - _STILL:
                remove(data.parent)
