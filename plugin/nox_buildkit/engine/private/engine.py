"""The private engine: a dockerd of our own, beside whatever the host has and apart from it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nox_buildkit.debian.archive import WITHOUT_APT
from nox_buildkit.debian.provision import tools_dir
from nox_buildkit.engine.client import docker_client
from nox_buildkit.engine.docker_config import borrow
from nox_buildkit.engine.private import emulation, socket_api
from nox_buildkit.engine.private.binaries import Binaries, engine_binaries
from nox_buildkit.engine.private.daemon_log import failures
from nox_buildkit.engine.private.paths import Layout
from nox_buildkit.engine.private.processes import (
    Process,
    contained_in,
    end,
    process_of,
    processes,
    uptime,
)
from nox_buildkit.engine.private.removable import require_idle, require_removable
from nox_buildkit.errors import EngineError, Problem
from nox_buildkit.files import cache_dir, locked
from nox_buildkit.files import remove as remove_path
from nox_buildkit.mounts import unmount
from nox_buildkit.progress import SILENT, Progress
from nox_buildkit.run import run

if TYPE_CHECKING:
    from python_on_whales import DockerClient

#: For counting what is on the disk.
_DISK_SECONDS = 300

START_SECONDS = 60

#: Folders of the cache that the engine, or what is built with it, fills.
_LARGE = ("client", "tools", "apt", "bases", "projects")
STOP_SECONDS = 20
# The daemon outlives the build that starts it, and must not carry its secrets along.
INHERITED = ("HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR", "TZ")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


#: ``broken``: a process of it runs, and it cannot build; the next build starts it again.
State = Literal["running", "broken", "stopped", "absent"]


@dataclass(frozen=True, slots=True)
class PrivateEngine:
    """The running private engine. ``config`` is its docker client's configuration folder."""

    client: DockerClient
    binaries: Binaries
    config: Path
    host: str
    version: str


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
    _require_root()
    layout = Layout.current()
    binaries = engine_binaries(report)
    version = _version(layout)
    if version is None:
        with locked(layout.lock):
            version = _revive(layout, binaries, report)
    return _describe(layout, binaries, version)


def stop() -> bool:
    """Stop the engine; containers and builds in it end. Return whether it was running."""
    layout = Layout.current()
    if not layout.home.exists():
        return False
    with locked(layout.lock):
        return _stop(layout)


def remove() -> None:
    """Stop the engine and delete its data, its programs, its configuration and what it built from.

    Raises EngineError, having removed nothing, while a build runs, for what belongs to another
    user, and while something below its folders stays mounted.
    """
    layout = Layout.current()
    folders = (layout.home, *(cache_dir() / name for name in _LARGE))
    require_idle(cache_dir() / "projects")
    with locked(layout.lock):
        if layout.home.exists():
            _stop(layout)
        require_removable(folders)
        emulation.forget()
        for folder in folders:
            remove_path(folder)


def status() -> EngineStatus:
    """Look at the engine, changing nothing."""
    layout = Layout.current()
    daemon = _daemon(layout)
    version = _version(layout)
    size = _disk_bytes(layout.data)
    if daemon is not None and version is not None:
        seconds = uptime(daemon.pid)
        return EngineStatus(
            "running", layout.home, layout.socket, version, daemon.pid, seconds, size
        )
    state: State = "broken" if _ours(layout) else "stopped"
    if not layout.home.exists():
        state = "absent"
    return EngineStatus(state, layout.home, layout.socket, data_bytes=size)


def environment() -> dict[str, str]:
    """Variables that make the ``docker`` command of a shell use the engine; starts nothing.

    Raises EngineError if the engine was never provisioned here and cannot be.
    """
    layout = Layout.current()
    binaries = engine_binaries(SILENT)
    ours = str(binaries.docker.parent)
    path = [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if entry != ours]
    return {
        "DOCKER_HOST": layout.host,
        "DOCKER_CONFIG": str(borrow(layout.docker_config, binaries.buildx)),
        "PATH": os.pathsep.join([ours, *path]),
    }


def _require_root() -> None:
    if sys.platform != "linux":
        raise EngineError(Problem("the private engine runs on Linux only", WITHOUT_APT))
    if os.geteuid() != 0:
        raise EngineError(Problem("the private engine needs root", WITHOUT_APT))


def _describe(layout: Layout, binaries: Binaries, version: str) -> PrivateEngine:
    config = borrow(layout.docker_config, binaries.buildx)
    client = docker_client(binaries.docker, config=config, host=layout.host)
    return PrivateEngine(client, binaries, config, layout.host, version)


def _revive(layout: Layout, binaries: Binaries, report: Progress) -> str:
    """Start the daemons unless another process just did; the caller holds the lock."""
    version = _version(layout)
    if version is not None:
        return version
    if _daemon(layout):
        report.message("the private engine runs in part, and is started again")
    report.message("starting the private engine")
    _stop(layout)
    layout.make()
    environment = _daemon_environment(binaries)
    containerd = [str(binaries.containerd), "--config", str(layout.containerd_toml)]
    dockerd = [str(binaries.dockerd), "--config-file", str(layout.daemon_json)]
    try:
        _spawn(containerd, layout.containerd_log, environment)
        # A dockerd that comes first waits seconds before it tries again.
        _until(layout.containerd_socket.exists, 10)
        _spawn(dockerd, layout.log, environment)
        return _wait(layout)
    except BaseException:
        _stop(layout)
        raise


def _spawn(command: list[str], log: Path, environment: Mapping[str, str]) -> None:
    """Start a daemon that neither a terminal's Ctrl-C nor the end of this process reaches."""
    with log.open("wb") as output:
        subprocess.run(
            ["setsid", "--fork", *command],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=True,
        )


def _wait(layout: Layout) -> str:
    """Wait until the daemon answers. Raises EngineError with what its log says."""
    seen = began = time.monotonic()
    while time.monotonic() < began + START_SECONDS:
        if (version := socket_api.version(layout.socket)) is not None:
            return version
        running = list(processes())
        configs = (layout.daemon_json, layout.containerd_toml)
        if all(any(process.mentions(config) for process in running) for config in configs):
            seen = time.monotonic()
        # A process that is just being replaced by exec has no arguments for a moment.
        elif time.monotonic() > seen + 0.5:
            raise _start_error(layout, "ended")
        time.sleep(0.05)
    raise _start_error(layout, f"did not answer within {START_SECONDS} s")


def _start_error(layout: Layout, what: str) -> EngineError:
    # containerd goes on without the part that failed first; dockerd's last word is why it ended.
    lines = [*failures(layout.containerd_log)[:1], *failures(layout.log)[-1:]]
    said = f": {'; '.join(lines)}" if lines else ""
    return EngineError(
        Problem(
            f"the private engine {what}{said}",
            f"see {layout.log}; `nox -s engine -- remove` starts afresh",
        )
    )


def _daemon_environment(binaries: Binaries) -> dict[str, str]:
    wanted = {*INHERITED, *PROXIES, *(name.upper() for name in PROXIES)}
    environment = {name: value for name, value in os.environ.items() if name in wanted}
    environment["PATH"] = binaries.search_path
    if binaries.libraries is not None:
        environment["LD_LIBRARY_PATH"] = str(binaries.libraries)
    return environment


def _ours(layout: Layout) -> list[Process]:
    """Every process of this engine: our programs, and working on our folders."""
    programs = tools_dir().resolve()
    return [
        process
        for process in processes()
        if process.runs_from(programs)
        and process.exe.rpartition("/")[2].partition(" ")[0] not in ("docker", "docker-buildx")
        and (process.mentions(layout.home) or process.mentions(layout.run))
    ]


def _daemon(layout: Layout) -> Process | None:
    """The engine's dockerd, if the pidfile names a process that is one."""
    try:
        process = process_of(int(layout.pidfile.read_text()))
    except (OSError, ValueError):
        return None
    if process is None or not process.runs_from(tools_dir().resolve()):
        return None
    return process if process.mentions(layout.daemon_json) else None


def _version(layout: Layout) -> str | None:
    """The version of the engine, if both of its daemons are there and answer."""
    if _daemon(layout) is None or not socket_api.answers(layout.containerd_socket):
        return None
    return socket_api.version(layout.socket)


def _stop(layout: Layout) -> bool:
    """End what is ours, whatever state a crash left it in; the caller holds the lock."""
    found = _ours(layout)
    daemons = [process.pid for process in found if process.mentions(layout.daemon_json)]
    end(daemons, signal.SIGTERM)
    _until(lambda: not any(process_of(pid) for pid in daemons), STOP_SECONDS)
    end((p.pid for p in _ours(layout) if p.mentions(layout.containerd_toml)), signal.SIGTERM)
    _until(lambda: not any(p.mentions(layout.containerd_toml) for p in _ours(layout)), 5)

    def left() -> list[int]:
        return [*(process.pid for process in _ours(layout)), *contained_in(layout.data)]

    end(left(), signal.SIGKILL)
    _until(lambda: not left(), 5)
    if mounted := unmount(layout.run, layout.home):
        raise EngineError(
            Problem(f"{mounted[0]} is still mounted", f"run `umount {mounted[0]}` and try again")
        )
    remove_path(layout.run)
    return bool(daemons)


def _until(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)


def _disk_bytes(folder: Path) -> int:
    if not folder.exists():
        return 0
    command: list[str | Path] = ["du", "--summarize", "--one-file-system", "--block-size=1", folder]
    done = run(command, seconds=_DISK_SECONDS)
    return int(done.stdout.split()[0]) if done.stdout else 0
