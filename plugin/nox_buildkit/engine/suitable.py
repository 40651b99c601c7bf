"""The user's builder against the needs of a build."""

from __future__ import annotations

import os
import platform
import re
import sys
from dataclasses import replace

from nox_buildkit.engine import inspect as inspection
from nox_buildkit.engine.buildkit import Needs
from nox_buildkit.engine.choice import CREATE
from nox_buildkit.engine.client import Docker
from nox_buildkit.engine.inspect import Builder, Daemon
from nox_buildkit.engine.private import emulation
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.oci.platform import Platform
from nox_buildkit.progress import Progress

CONTAINERD_STORE = "io.containerd.snapshotter.v1"
STORE_SETTING = (
    'set "features": {"containerd-snapshotter": true} in the daemon.json of its dockerd and '
    "restart it"
)
ENABLE_STORE = f"{STORE_SETTING}, or run `{CREATE}`"


#: Of what docker clients say of a daemon that they do not reach.
_REFUSED = re.compile(r"permission denied|connect: access denied", re.IGNORECASE)
_ABSENT = re.compile(r"cannot connect|connection refused|no such file|not running", re.IGNORECASE)
LIST = "`docker buildx ls`"
_START = {
    "darwin": "start Docker Desktop, OrbStack or Colima",
    "linux": "start it: `sudo systemctl start docker`",
}


def with_next_step(error: EngineError) -> EngineError:
    """Return the same error; what is about a daemon that cannot be reached has a next step."""
    problems = (
        replace(problem, hint=problem.hint or next_step(problem.message))
        for problem in error.problems
    )
    return EngineError(*problems)


def next_step(message: str) -> str:
    """Return what to do where a docker client says ``message`` of a builder."""
    if _REFUSED.search(message):
        return "join the group of its socket: `sudo usermod -aG docker $USER`, and log in again"
    if _ABSENT.search(message):
        return _START.get(sys.platform, "start it")
    return f"{LIST} lists builders"


class NoImageStoreError(EngineError):
    """The driver `docker` writes an index, or an OCI layout, with the containerd store alone."""


def require_store(client: Docker, found: Builder, needs: Needs) -> None:
    """Refuse a dockerd without the containerd image store. Raises EngineError."""
    if not has_store(inspection.daemon(client, context_of(found))):
        what = "images of several platforms" if len(needs.platforms) > 1 else "OCI layouts"
        raise NoImageStoreError(
            Code.BUILDER(
                f"its dockerd cannot make {what} without the containerd image store", ENABLE_STORE
            )
        )


def has_store(daemon: Daemon) -> bool:
    """Tell whether a dockerd has the containerd image store."""
    return CONTAINERD_STORE in daemon.store


def require_daemon(client: Docker) -> None:
    """Refuse to load images where no daemon answers. Raises EngineError."""
    try:
        inspection.daemon(client)
    except EngineError as error:
        raise EngineError(
            Code.BUILDER(f"nothing to load the image into: {error}", "drop --load")
        ) from error


def context_of(found: Builder) -> str | None:
    """The docker context behind a builder of the driver `docker`: they share their name."""
    return None if found.name == "default" else found.name


def require_platforms(
    client: Docker, found: Builder, needs: Needs, report: Progress
) -> frozenset[str]:
    """Return the platforms whose emulation was set up for this build. Raises EngineError."""
    missing = frozenset(p for p in needs.emulated if not _listed(p, found.platforms))
    if not missing:
        return missing
    if not is_here(client, found):
        names = ", ".join(sorted(missing))
        raise EngineError(
            Code.EMULATION(
                f"emulation missing: its nodes run no steps of {names}",
                "install qemu-user-static where the node runs, or add a node of that architecture",
            )
        )
    emulation.ensure(missing, os.uname().machine, report)
    return missing


def _listed(wanted: str, platforms: frozenset[str]) -> bool:
    """Tell whether steps of ``wanted`` run, by whatever name the builder lists it."""
    return wanted in {str(Platform.parse(platform)) for platform in platforms}


def is_here(client: Docker, found: Builder) -> bool:
    """Tell whether the builder's steps run under this host's kernel."""
    try:
        behind = daemons(client, found)
    except EngineError:
        return False
    return bool(behind) and all(map(runs_here, behind))


def daemons(client: Docker, found: Builder) -> list[Daemon]:
    """Ask each dockerd that runs steps of the builder; none for those that have no dockerd.

    Raises EngineError for one that does not answer.
    """
    match found.driver:
        case "docker":
            return [inspection.daemon(client, context_of(found))]
        case "docker-container":
            endpoints = dict.fromkeys(node.endpoint for node in found.nodes)
            return [inspection.daemon(client, endpoint) for endpoint in endpoints]
    return []


def runs_here(daemon: Daemon) -> bool:
    """Tell whether a dockerd runs under this host's kernel."""
    return daemon.name == platform.node() and daemon.kernel == platform.release()
