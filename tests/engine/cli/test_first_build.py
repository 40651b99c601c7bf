"""The first build on a machine, which has no base and no engine."""

from __future__ import annotations

import time
from pathlib import Path

from nox_buildkit.engine.private.paths import EnginePaths
from tests.support.project import Project
from tests.support.real_parts import copy_cache, in_cache


def test_the_engine_starts_while_the_base_is_assembled(
    project: Project, own_home: Path, engine_home: Path
) -> None:
    copy_cache(engine_home, own_home, "apt", "uv", "pylock")
    project.env |= {"NOX_BUILDKIT_CACHE": str(own_home), "DOCKER_HOST": ""}
    with in_cache(own_home):
        socket = EnginePaths.current().socket
    with project.start("build", "--platform", "linux/amd64") as process:
        while not socket.exists():
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.05)
        assert not list((own_home / "bases").glob("*.sealed"))
        _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert "starting the private engine" in said


def test_a_plan_starts_no_engine(project: Project, own_home: Path, engine_home: Path) -> None:
    copy_cache(engine_home, own_home, "apt", "uv", "pylock")
    project.env |= {"NOX_BUILDKIT_CACHE": str(own_home), "DOCKER_HOST": ""}
    project.ok("plan", "--platform", "linux/amd64")
    assert list((own_home / "bases").glob("*.sealed"))
    assert not (own_home / "engine").exists()
