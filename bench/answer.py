"""From `docker run` to the first HTTP 200."""

from __future__ import annotations

import contextlib
import http.client
import time
import uuid
from pathlib import Path

from bench.contenders import docker
from bench.process import BenchError, Runner
from bench.registry import free_port
from nox_buildkit.engine.buildkit import Engine

_PATIENCE = 60.0


def first_answer(engine: Engine, runner: Runner, image: str, cwd: Path) -> float:
    """Seconds from typing `docker run` until the application answers 200 for the first time.

    The container has the host's network, so that no port forwarding is measured.
    """
    name, port = f"bench-{uuid.uuid4().hex[:12]}", free_port()
    command = docker(
        engine,
        *("run", "--detach", "--name", name, "--network", "host", "--platform", "linux/amd64"),
        *(image, "fastapi", "run", "app/main.py", "--host", "127.0.0.1", "--port", str(port)),
    )
    try:
        began = time.perf_counter()
        runner.run(command, cwd)
        if not _answers(port, began + _PATIENCE):
            log = runner.output(docker(engine, "logs", name), cwd)
            raise BenchError(f"{image} does not answer within {_PATIENCE:.0f} s: {log[-500:]}")
        return time.perf_counter() - began
    finally:
        with contextlib.suppress(BenchError):
            runner.run(docker(engine, "rm", "--force", name), cwd)


def _answers(port: int, deadline: float) -> bool:
    while time.perf_counter() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/")
            if connection.getresponse().status == http.client.OK:
                return True
        except OSError:
            time.sleep(0.002)
        finally:
            connection.close()
    return False
