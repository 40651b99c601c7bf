"""The private engine: a dockerd of our own, beside whatever the host has and apart from it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nox_buildkit.debian.archive import on_debian, without_archive
from nox_buildkit.engine.client import Docker
from nox_buildkit.engine.docker_config import borrow
from nox_buildkit.engine.private import emulation
from nox_buildkit.engine.private.binaries import Binaries, engine_binaries
from nox_buildkit.engine.private.daemons import (
    daemon_of,
    own_processes,
    revive,
    stop_daemons,
    version_of,
)
from nox_buildkit.engine.private.paths import EnginePaths
from nox_buildkit.engine.private.processes import may_mount, uptime
from nox_buildkit.engine.private.removable import require_idle, require_removable
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.files import cache_dir, locked
from nox_buildkit.files import remove as remove_path
from nox_buildkit.progress import SILENT, Progress
from nox_buildkit.run import run

if TYPE_CHECKING:
    from python_on_whales import DockerClient

#: For counting what is on the disk.
_DISK_SECONDS = 300
#: Folders of the cache that the engine, or what is built with it, fills.
_LARGE = ("client", "tools", "apt", "bases", "projects")
#: ``broken``: a process of it runs, and it cannot build; the next build starts it again.
State = Literal["running", "broken", "stopped", "absent"]


@dataclass(frozen=True, slots=True)
class PrivateEngine:
    """The running private engine. ``config`` is its docker client's configuration folder."""

    docker: Docker
    binaries: Binaries
    config: Path
    host: str
    version: str

    @property
    def client(self) -> DockerClient:
        """The docker client, which python-on-whales speaks to."""
        return self.docker.client


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """``data_bytes``: disk space of images and caches; ``uptime``: seconds, 0 if not running."""

    state: State
    folder: Path
    socket: Path
    version: str = ""
    pid: int = 0
    uptime: float = 0
    data_bytes: int = 0


def start(report: Progress = SILENT) -> PrivateEngine:
    """Return the private engine, provisioned and started if it is not running.

    Any number of processes may do so at once. Raises EngineError.
    """
    require_root()
    paths = EnginePaths.current()
    binaries = engine_binaries(report)
    version = version_of(paths)
    if version is None:
        with locked(paths.lock):
            version = revive(paths, binaries, report)
    return _describe(paths, binaries, version)


def stop() -> bool:
    """Stop the engine; containers and builds in it end. Return whether it was running."""
    paths = EnginePaths.current()
    if not paths.home.exists():
        return False
    with locked(paths.lock):
        return stop_daemons(paths)


def remove() -> None:
    """Stop the engine and delete its data, its programs, its configuration and what it built from.

    Raises EngineError, having removed nothing, while a build runs, for what belongs to another
    user, and while something below its folders stays mounted.
    """
    paths = EnginePaths.current()
    folders = (paths.home, *(cache_dir() / name for name in _LARGE))
    require_idle(cache_dir() / "projects")
    with locked(paths.lock):
        if paths.home.exists():
            stop_daemons(paths)
        require_removable(folders)
        emulation.forget()
        for folder in folders:
            remove_path(folder)


def status(*, measured: bool = True) -> EngineStatus:
    """Look at the engine, changing nothing; ``measured``: count what it has on the disk."""
    paths = EnginePaths.current()
    daemon = daemon_of(paths)
    version = version_of(paths)
    size = _disk_bytes(paths.data) if measured else 0
    if daemon is not None and version is not None:
        seconds = uptime(daemon.pid)
        return EngineStatus("running", paths.home, paths.socket, version, daemon.pid, seconds, size)
    state: State = "broken" if own_processes(paths) else "stopped"
    if not paths.home.exists():
        state = "absent"
    return EngineStatus(state, paths.home, paths.socket, data_bytes=size)


def environment() -> dict[str, str]:
    """Variables that make the ``docker`` command of a shell use the engine; starts nothing.

    Raises EngineError if the engine was never provisioned here and cannot be.
    """
    paths = EnginePaths.current()
    binaries = engine_binaries(SILENT)
    ours = str(binaries.docker.parent)
    path = [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if entry != ours]
    return {
        "DOCKER_HOST": paths.host,
        "DOCKER_CONFIG": str(borrow(paths.docker_config, binaries.buildx)),
        "PATH": os.pathsep.join([ours, *path]),
    }


def is_possible() -> bool:
    """Tell whether this user may have it on this machine; nothing is tried."""
    return sys.platform == "linux" and os.geteuid() == 0 and may_mount() and on_debian()


def require_root() -> None:
    """Refuse a machine, or a user, for whom the engine cannot run. Raises EngineError."""
    if sys.platform != "linux":
        raise EngineError(
            Code.NO_ENGINE("the private engine runs on Linux only", without_archive())
        )
    if os.geteuid() != 0:
        raise EngineError(Code.NO_ENGINE("the private engine needs root", without_archive()))
    if not may_mount():
        message = "the private engine mounts file systems, and may not do so in this container"
        hint = "start the container with --privileged, or name a BuildKit (DOCKER_HOST, --builder)"
        raise EngineError(Code.NO_ENGINE(message, hint))


def _describe(paths: EnginePaths, binaries: Binaries, version: str) -> PrivateEngine:
    config = borrow(paths.docker_config, binaries.buildx)
    docker = Docker(str(binaries.docker), config, paths.host, str(binaries.buildx))
    return PrivateEngine(docker, binaries, config, paths.host, version)


def _disk_bytes(folder: Path) -> int:
    if not folder.exists():
        return 0
    command: list[str | Path] = ["du", "--summarize", "--one-file-system", "--block-size=1", folder]
    done = run(command, seconds=_DISK_SECONDS)
    return int(done.stdout.split()[0]) if done.stdout else 0
