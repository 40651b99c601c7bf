"""A buildx that is there already, for questions that need no daemon."""

from __future__ import annotations

import os
from pathlib import Path

from nox_buildkit.engine.installed import installed
from nox_buildkit.engine.private.binaries import present_client
from nox_buildkit.run import Done, run

#: A bake file may read any variable: what is written must not depend on those of one machine.
_PASSED = ("PATH", "HOME", "DOCKER_CONFIG")
_SECONDS = 30


def buildx_at_hand() -> tuple[str, ...] | None:
    """Return the command of buildx, of the docker on PATH or of the private engine."""
    if (client := installed()) is not None:
        return tuple(client.words("buildx"))
    ours = present_client()
    return (str(ours.buildx),) if ours else None


def ask_buildx(command: tuple[str, ...], *arguments: str, cwd: Path) -> Done:
    """Return the answer of buildx to ``arguments`` in ``cwd``. Raises EngineError."""
    env = {name: os.environ[name] for name in _PASSED if name in os.environ}
    return run([*command, *arguments], seconds=_SECONDS, what="buildx", env=env, cwd=cwd)
