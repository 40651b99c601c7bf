"""What a build does again, and what it leaves alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from oci import ImageIndex
from project import Project
from real_parts import in_cache

from nox_buildkit.engine.private_layout import Layout

NOBODY = "unix:///nonexistent/docker.sock"


@pytest.fixture
def own_project(project: Project, own_home: Path, engine_home: Path) -> Iterator[Project]:
    """A project with a private engine of its own, which nobody has started, and warm downloads."""
    for name in ("bases", "uv", "pylock", "apt"):
        if (engine_home / name).exists():
            shutil.copytree(engine_home / name, own_home / name)
    with in_cache(own_home):
        host = Layout.current().host
    project.env |= {"NOX_BUILDKIT_CACHE": str(own_home), "DOCKER_HOST": host}
    yield project


def test_nothing_changed(own_project: Project) -> None:
    first = own_project.ok("build")
    assert "starting the private engine" in first.stderr
    before = _state(own_project.root)
    own_project.ok("engine", "stop")

    second = own_project.ok("build")

    assert "nothing changed: nothing was built or written" in second.stderr
    assert _state(own_project.root) == before
    status = json.loads(own_project.ok("engine", "status", "--json").stdout)
    assert status["state"] == "stopped"


def test_a_cold_engine_builds_the_same_image(project: Project, own_project: Project) -> None:
    """No layer, no download and no byte code is there: nothing of them shows in the image."""
    cold = own_project.ok("build", "--output", "cold")
    assert "starting the private engine" in cold.stderr


def _state(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in root.rglob("*")
        if "__pycache__" not in path.parts
    }
