"""The two daemons of the private engine, containerd and dockerd: started, found, asked, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from nox_buildkit.debian.provision import tools_dir
from nox_buildkit.engine.client import with_absolute_paths
from nox_buildkit.engine.private import socket_api
from nox_buildkit.engine.private.binaries import Binaries
from nox_buildkit.engine.private.daemon_log import failures
from nox_buildkit.engine.private.paths import EnginePaths
from nox_buildkit.engine.private.processes import (
    Process,
    contained_in,
    end,
    process_of,
    processes,
)
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.files import remove as remove_path
from nox_buildkit.mounts import unmount
from nox_buildkit.progress import Progress

START_SECONDS, STOP_SECONDS = 60, 20
# The daemon outlives the build that starts it, and must not carry its secrets along.
INHERITED = ("HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR", "TZ")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


def revive(paths: EnginePaths, binaries: Binaries, report: Progress) -> str:
    """Start the daemons unless another process just did; the caller holds the lock."""
    version = version_of(paths)
    if version is not None:
        return version
    if _both_run(paths):
        # Others may build in it: what lives gets its time to answer.
        report.message("waiting for the private engine, which does not answer")
        with contextlib.suppress(EngineError):
            return _wait(paths)
    if daemon_of(paths):
        report.message("the private engine runs in part, and is started again")
    report.message("starting the private engine")
    stop_daemons(paths)
    paths.make()
    environment = _daemon_environment(binaries)
    containerd = [str(binaries.containerd), "--config", str(paths.containerd_toml)]
    dockerd = [str(binaries.dockerd), "--config-file", str(paths.daemon_json)]
    try:
        _spawn(containerd, paths.containerd_log, environment)
        # A dockerd that comes first waits seconds before it tries again.
        _until(paths.containerd_socket.exists, 10)
        _spawn(dockerd, paths.log, environment)
        return _wait(paths)
    except BaseException:
        stop_daemons(paths)
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


def _wait(paths: EnginePaths) -> str:
    """Wait until the daemon answers. Raises EngineError with what its log says."""
    seen = began = time.monotonic()
    while time.monotonic() < began + START_SECONDS:
        if (version := socket_api.version(paths.socket)) is not None:
            return version
        if _both_run(paths):
            seen = time.monotonic()
        # A process that is just being replaced by exec has no arguments for a moment.
        elif time.monotonic() > seen + 0.5:
            raise _start_error(paths, "ended")
        time.sleep(0.05)
    raise _start_error(paths, f"did not answer within {START_SECONDS} s")


def _both_run(paths: EnginePaths) -> bool:
    running = own_processes(paths)
    configs = (paths.daemon_json, paths.containerd_toml)
    return all(any(process.mentions(config) for process in running) for config in configs)


def _start_error(paths: EnginePaths, what: str) -> EngineError:
    # containerd goes on without the part that failed first; dockerd's last word is why it ended.
    lines = [*failures(paths.containerd_log)[:1], *failures(paths.log)[-1:]]
    said = f": {'; '.join(lines)}" if lines else ""
    return EngineError(
        Code.PRIVATE_ENGINE(
            f"the private engine {what}{said}",
            f"see {paths.log}; `nox -s engine -- remove` starts afresh",
        )
    )


def _daemon_environment(binaries: Binaries) -> dict[str, str]:
    wanted = {*INHERITED, *PROXIES, *(name.upper() for name in PROXIES)}
    environment = with_absolute_paths({k: v for k, v in os.environ.items() if k in wanted})
    environment["PATH"] = binaries.search_path
    if binaries.libraries is not None:
        environment["LD_LIBRARY_PATH"] = str(binaries.libraries)
    return environment


def own_processes(paths: EnginePaths) -> list[Process]:
    """Every process of this engine: our programs, and working on our folders."""
    programs = tools_dir().resolve()
    return [
        process
        for process in processes()
        if process.runs_from(programs)
        and process.exe.rpartition("/")[2].partition(" ")[0] not in ("docker", "docker-buildx")
        and (process.mentions(paths.home) or process.mentions(paths.run))
    ]


def daemon_of(paths: EnginePaths) -> Process | None:
    """The engine's dockerd, if the pidfile names a process that is one."""
    try:
        process = process_of(int(paths.pidfile.read_text()))
    except (OSError, ValueError):
        return None
    if process is None or not process.runs_from(tools_dir().resolve()):
        return None
    return process if process.mentions(paths.daemon_json) else None


def version_of(paths: EnginePaths) -> str | None:
    """The version of the engine, if both of its daemons are there and answer."""
    if daemon_of(paths) is None or not socket_api.answers(paths.containerd_socket):
        return None
    return socket_api.version(paths.socket)


def stop_daemons(paths: EnginePaths) -> bool:
    """End what is ours, whatever state a crash left it in; the caller holds the lock."""
    found = own_processes(paths)
    daemons = [process.pid for process in found if process.mentions(paths.daemon_json)]
    end(daemons, signal.SIGTERM)
    _until(lambda: not any(process_of(pid) for pid in daemons), STOP_SECONDS)
    end((p.pid for p in own_processes(paths) if p.mentions(paths.containerd_toml)), signal.SIGTERM)
    _until(lambda: not any(p.mentions(paths.containerd_toml) for p in own_processes(paths)), 5)

    def left() -> list[int]:
        return [*(process.pid for process in own_processes(paths)), *contained_in(paths.data)]

    end(left(), signal.SIGKILL)
    _until(lambda: not left(), 5)
    if mounted := unmount(paths.run, paths.home):
        raise EngineError(
            Code.FOLDER(
                f"{mounted[0]} is still mounted", f"run `umount {mounted[0]}` and try again"
            )
        )
    remove_path(paths.run)
    return bool(found)


def _until(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)
