"""Images that were built start on both platforms, answer, and stop when they are asked to."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from project import Built, Project
from python_on_whales import Container, DockerClient
from real_parts import free_port

from nox_buildkit.engine.private import PrivateEngine

#: Importing FastAPI takes 18 s where QEMU runs it on an idle machine.
PATIENCE = 120

MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}

pytestmark = pytest.mark.usefixtures("both_platforms")


@pytest.fixture(params=MACHINES)
def platform(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_example_answers(fastapi: Built, private_engine: PrivateEngine, platform: str) -> None:
    client = private_engine.client
    client.load(fastapi.project.root / "dist" / "hello.oci.tar")
    # Its own command and nothing else: the spec of this copy names a free port.
    with _running(client, "hello:0.1.0", platform) as container:
        answer = _answer(container, fastapi.port)
        assert answer == {"hello": "world", "machine": MACHINES[platform]}
        assert _uid(container) == 10001


def test_sigterm_reaches_the_program(
    project: Project, private_engine: PrivateEngine, platform: str
) -> None:
    port = free_port()
    project.ok("build", "--load", "--set", f"images.web.command=[python, -m, app, '{port}']")
    with _running(private_engine.client, "web:latest", platform) as container:
        answer = _answer(container, port)
        assert answer["machine"] == MACHINES[platform]
        assert answer["fast"] == platform
        assert answer["uid"] == 10001
        assert answer["pid"] == 1, "exec form: no shell in between"
        began = time.monotonic()
        private_engine.client.stop(container, time=20)
        assert time.monotonic() - began < 2
        container.reload()
        assert container.state.exit_code == 0


@contextmanager
def _running(client: DockerClient, image: str, platform: str) -> Iterator[Container]:
    container = client.run(image, detach=True, networks=["host"], platform=platform)
    assert isinstance(container, Container)
    try:
        yield container
    finally:
        container.remove(force=True)


def _answer(container: Container, port: int) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except OSError:
            container.reload()
            assert container.state.running, container.logs()
            assert time.monotonic() < deadline, container.logs()
            time.sleep(0.1)


def _uid(container: Container) -> int:
    status = Path(f"/proc/{container.state.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1])
