"""Containers of a dockerd whose ports this machine does not reach."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nox_buildkit.engine.buildkit import Engine
from nox_buildkit.engine.client import Docker
from nox_buildkit.engine.containers import Containers
from nox_buildkit.engine.private.engine import PrivateEngine
from nox_buildkit.files import remove
from nox_buildkit.mounts import unmount
from tests.support.dockerd import bridged, serve_dockerd
from tests.support.project import Project

SPEC = """\
version: 1
defaults: {base: debian, platforms: [linux/amd64]}
images:
  everybody:
    command: [python, -m, http.server, "8000"]
  itself:
    command: [python, -m, http.server, "8000", --bind, 127.0.0.1]
"""


@pytest.fixture
def remote(private_engine: PrivateEngine) -> Iterator[Engine]:
    """The engine of a user's dockerd."""
    binaries, folder = private_engine.binaries, Path(tempfile.mkdtemp(prefix="nbkd"))
    with (
        bridged(binaries) as options,
        serve_dockerd(binaries, folder, store=True, options=options) as host,
    ):
        docker = Docker(str(binaries.docker), host=host, plugin=str(binaries.buildx))
        yield Engine(docker, "default", "docker", ("linux/amd64",))
    unmount(folder)
    remove(folder)


def test_an_application_is_asked_from_inside_at_the_address_of_others(
    project: Project, remote: Engine
) -> None:
    project.write({"buildspec.yaml": SPEC, "index.html": "<p>hello</p>\n"})
    project.ok("build")

    def answer(image: str, patience: float) -> tuple[int, str] | None:
        remote.client.load(project.root / "dist" / f"{image}.oci.tar")
        containers = Containers(remote, f"{image}:latest", "linux/amd64", remote=True)
        name = containers.start("8000")
        try:
            deadline, found = time.monotonic() + patience, None
            while not found and time.monotonic() < deadline:
                found = containers.get(name, "8000", "/", 5)
            return found
        finally:
            containers.remove(name)

    assert answer("everybody", 30) == (200, "<p>hello</p>\n")
    assert answer("itself", 3) is None
