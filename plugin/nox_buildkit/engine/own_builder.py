"""A builder of this project's on the user's dockerd, where that has no containerd image store.

It has a BuildKit of its own in a container (buildx's driver `docker-container`), becomes nobody's
current builder, and leaves the configuration of dockerd as it is.
"""

from __future__ import annotations

import re
from dataclasses import replace

from nox_buildkit.engine.client import Docker
from nox_buildkit.engine.stated_builder import StatedBuilder, StatedNode, ensure_builder
from nox_buildkit.engine.suitable import STORE_SETTING
from nox_buildkit.errors import EngineError
from nox_buildkit.progress import Progress

DRIVER = "docker-container"
#: A registry on this machine, its proxies and its DNS are reached as dockerd itself reaches them.
_OPTIONS = (("network", "host"),)


def own_builder(context: str) -> StatedBuilder:
    """Describe the builder for the docker context ``context``: each has a dockerd of its own."""
    # buildx takes fewer characters in a name than docker does.
    name = f"nox-buildkit-{re.sub(r'[^a-zA-Z0-9._-]', '-', context)}"
    return StatedBuilder(name, DRIVER, (StatedNode(context, options=_OPTIONS),))


def provide(client: Docker, context: str, why: EngineError, report: Progress) -> str:
    """Have that builder, and say so; return its name. Raises EngineError."""
    stated = own_builder(context)
    for problem in why.problems:
        report.message(
            f"not the current docker builder ({problem.message}): {stated.name}, a BuildKit in a "
            f"container of that dockerd; `docker buildx rm {stated.name}` removes it"
        )
    ensure_builder(client, stated)
    return stated.name


def failed(name: str, error: EngineError, why: EngineError) -> EngineError:
    """Return what to say if the builder ``name`` cannot be used either."""
    causes = (
        replace(problem, message=f"and {name} does not start: {problem.message}")
        for problem in error.problems
    )
    return EngineError(*(replace(p, hint=STORE_SETTING) for p in why.problems), *causes)
