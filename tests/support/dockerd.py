"""A dockerd as a user's machine has it: a bridge, and a socket that belongs to a group."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nox_buildkit.debian.provision import SuitePackage, check_runs, provision
from nox_buildkit.engine.private.binaries import Binaries
from nox_buildkit.engine.private.socket_api import version


@contextlib.contextmanager
def serve_dockerd(
    binaries: Binaries, folder: Path, *, store: bool, options: Mapping[str, Any] | None = None
) -> Iterator[str]:
    """Run a dockerd with its files in ``folder``; yield its DOCKER_HOST.

    ``store``: with the containerd image store; ``options``: of daemon.json, else it has no network.
    """
    path = folder / "docker.sock"
    name = f"nox-buildkit-tests-{secrets.token_hex(4)}"
    configuration = {
        "features": {"containerd-snapshotter": store},
        "bridge": "none",
        "iptables": False,
        "ip6tables": False,
        "data-root": str(folder / "data"),
        "exec-root": str(folder / "run"),
        "pidfile": str(folder / "pid"),
        "hosts": [f"unix://{path}"],
        "containerd-namespace": name,
        "containerd-plugins-namespace": f"{name}-plugins",
        **(options or {}),
    }
    (folder / "daemon.json").write_text(json.dumps(configuration))
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [str(binaries.dockerd), "--config-file", str(folder / "daemon.json")],
            env={**os.environ, "PATH": binaries.search_path},
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            deadline = time.monotonic() + 30
            while version(path) is None:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.05)
            yield f"unix://{path}"
        finally:
            process.terminate()
            process.wait(60)
            subprocess.run(["umount", str(folder / "data")], capture_output=True, check=False)


@contextlib.contextmanager
def bridged(binaries: Binaries) -> Iterator[dict[str, Any]]:
    """Yield options of a dockerd with a bridge of its own, which sets no rule of a firewall."""
    tini = provision(
        "tini", [[SuitePackage("tini")]], lambda prefix: check_runs(prefix / "usr/bin/tini-static")
    )
    name = f"nbk{secrets.token_hex(4)}"
    subnet = f"10.{secrets.randbelow(100) + 150}.{secrets.randbelow(256)}"
    _ip("link", "add", name, "type", "bridge")
    try:
        _ip("address", "add", f"{subnet}.1/24", "dev", name)
        _ip("link", "set", name, "up")
        yield {
            "bridge": name,
            "init-path": str(tini / "usr/bin/tini-static"),
            "userland-proxy-path": str(binaries.prefix / "usr/sbin/docker-proxy"),
        }
    finally:
        _ip("link", "delete", name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
