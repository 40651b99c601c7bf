"""Images that were built start on both platforms, answer, and stop when they are asked to."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from python_on_whales import Container

from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.containers import answer_of, running
from tests.support.project import Project
from tests.support.real_parts import free_port

#: Seconds. QEMU needs a minute and a half of one processor to import FastAPI and its command.
PATIENCE = 420

MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}

pytestmark = pytest.mark.usefixtures("both_platforms")


@pytest.fixture(params=MACHINES)
def platform(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def port(template: Project, tmp_path_factory: pytest.TempPathFactory) -> int:
    """The port that the small project's image listens on; it is in the engine's image store."""
    port = free_port()
    command = f"images.web.command=[python, -m, app, '{port}']"
    output = str(tmp_path_factory.mktemp("loaded"))
    template.ok("build", "--load", "--set", command, "--output", output)
    return port


def test_sigterm_reaches_the_program(
    port: int, private_engine: PrivateEngine, platform: str
) -> None:
    with running(private_engine.client, "web:latest", platform) as container:
        answer = answer_of(container, port, PATIENCE)
        assert answer["machine"] == MACHINES[platform]
        assert answer["fast"] == platform
        assert answer["uid"] == 10001
        assert answer["pid"] == 1, "exec form: no shell in between"
        began = time.monotonic()
        private_engine.client.stop(container, time=20)
        # Python takes seconds to end, too, where QEMU runs it.
        assert time.monotonic() - began < (2 if _is_native(platform) else 15)
        container.reload()  # type: ignore[no-untyped-call]
        assert container.state.exit_code == 0


def _is_native(platform: str) -> bool:
    return MACHINES[platform] == os.uname().machine


def _uid(container: Container) -> int:
    status = Path(f"/proc/{container.state.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1])


def test_the_example_answers(started: Mapping[str, tuple[Container, int]], platform: str) -> None:
    container, port = started[platform]
    assert answer_of(container, port, PATIENCE) == {"hello": "world", "machine": MACHINES[platform]}
    assert _uid(container) == 10001
