"""Every example, built as its reader would, started on both platforms, and asked.

    nox -s examples

Starting under emulation takes its time, so this is no part of the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.containers import answer_of, running
from tests.support.real_parts import free_port

from nox_buildkit.engine.private import emulation
from nox_buildkit.engine.private.engine import PrivateEngine, start

HERE = Path(__file__).parent
MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}


@dataclass(frozen=True)
class Example:
    """A folder of this one with the images that answer on port 8000, and what they need."""

    name: str
    images: tuple[str, ...]
    before: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


EXAMPLES = (
    Example("pip-freeze", ("frozen",)),
    Example("poetry", ("shop",)),
    # A uv.lock names the index that it was made from, so none lies here.
    Example("workspace", ("api", "worker"), (sys.executable, "-m", "uv", "lock")),
    Example("several", ("api",)),
    Example("django", ("shop",), env={"DJANGO_SECRET_KEY": "of-this-container"}),
)


@pytest.fixture(scope="session")
def engine() -> PrivateEngine:
    """The user's own private engine, which goes on running."""
    found = start()
    emulation.ensure(list(MACHINES), os.uname().machine)
    return found


def _project(example: Example, folder: Path) -> Path:
    """A copy in which everything is built, without locks of another machine's index."""
    root = folder / example.name
    shutil.copytree(HERE / example.name, root, ignore=shutil.ignore_patterns("dist", "__pycache__"))
    if example.before:
        subprocess.run(example.before, cwd=root, check=True)
    subprocess.run([sys.executable, "-m", "nox", "-s", "build"], cwd=root, check=True)
    return root


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_answers_on_both_platforms(
    example: Example, engine: PrivateEngine, tmp_path: Path
) -> None:
    root = _project(example, tmp_path)
    for image in example.images:
        engine.client.load(root / "dist" / f"{image}.oci.tar")
        for platform, machine in MACHINES.items():
            port = free_port()
            env = {**example.env, "PORT": str(port)}
            with running(engine.client, f"{image}:latest", platform, env, port) as container:
                answer = answer_of(container, port, 300)
                assert answer["machine"] == machine


def test_a_worker_does_what_a_task_asks_for(engine: PrivateEngine, tmp_path: Path) -> None:
    root = _project(next(e for e in EXAMPLES if e.name == "several"), tmp_path)
    engine.client.load(root / "dist" / "worker.oci.tar")
    for platform, machine in MACHINES.items():
        with running(engine.client, "worker:latest", platform) as container:
            said = container.execute(["python", "-m", "shop.tasks"])
            assert said == machine
