"""The two daemons of the private engine, containerd and dockerd: started, found, asked, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from nox_buildkit.debian.provision import tools_dir
from nox_buildkit.engine.private import socket_api
from nox_buildkit.engine.private.binaries import Binaries
from nox_buildkit.engine.private.daemon_log import failures
from nox_buildkit.engine.private.paths import Layout
from nox_buildkit.engine.private.processes import (
    Process,
    contained_in,
    end,
    process_of,
    processes,
)
from nox_buildkit.errors import EngineError, Problem
from nox_buildkit.files import remove as remove_path
from nox_buildkit.mounts import unmount
from nox_buildkit.progress import Progress

START_SECONDS, STOP_SECONDS = 60, 20
# The daemon outlives the build that starts it, and must not carry its secrets along.
INHERITED = ("HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR", "TZ")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


def revive(layout: Layout, binaries: Binaries, report: Progress) -> str:
    """Start the daemons unless another process just did; the caller holds the lock."""
    version = version_of(layout)
    if version is not None:
        return version
    if daemon_of(layout):
        report.message("the private engine runs in part, and is started again")
    report.message("starting the private engine")
    stop_daemons(layout)
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
        stop_daemons(layout)
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


def own_processes(layout: Layout) -> list[Process]:
    """Every process of this engine: our programs, and working on our folders."""
    programs = tools_dir().resolve()
    return [
        process
        for process in processes()
        if process.runs_from(programs)
        and process.exe.rpartition("/")[2].partition(" ")[0] not in ("docker", "docker-buildx")
        and (process.mentions(layout.home) or process.mentions(layout.run))
    ]


def daemon_of(layout: Layout) -> Process | None:
    """The engine's dockerd, if the pidfile names a process that is one."""
    try:
        process = process_of(int(layout.pidfile.read_text()))
    except (OSError, ValueError):
        return None
    if process is None or not process.runs_from(tools_dir().resolve()):
        return None
    return process if process.mentions(layout.daemon_json) else None


def version_of(layout: Layout) -> str | None:
    """The version of the engine, if both of its daemons are there and answer."""
    if daemon_of(layout) is None or not socket_api.answers(layout.containerd_socket):
        return None
    return socket_api.version(layout.socket)


def stop_daemons(layout: Layout) -> bool:
    """End what is ours, whatever state a crash left it in; the caller holds the lock."""
    found = own_processes(layout)
    daemons = [process.pid for process in found if process.mentions(layout.daemon_json)]
    end(daemons, signal.SIGTERM)
    _until(lambda: not any(process_of(pid) for pid in daemons), STOP_SECONDS)
    end(
        (p.pid for p in own_processes(layout) if p.mentions(layout.containerd_toml)), signal.SIGTERM
    )
    _until(lambda: not any(p.mentions(layout.containerd_toml) for p in own_processes(layout)), 5)

    def left() -> list[int]:
        return [*(process.pid for process in own_processes(layout)), *contained_in(layout.data)]

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
