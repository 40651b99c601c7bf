"""Builds on an engine that is new, as hosted runners have it: with a wheelhouse, and without."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from bench.contenders import nox
from bench.process import BenchError, Runner
from nox_buildkit.files import cache_dir, remove
from nox_buildkit.mounts import unmount

#: What a machine has before: the base, and programs. No wheel, no layer, no byte code.
_KEPT = ("apt", "bases", "tools", "uv", "pylock", "coverage")
#: In C, and without a wheel.
_COMPILED = "crcmod"


def add_compiled(project: Path) -> None:
    """Let the application of ``project`` need a package that has to be compiled."""
    pyproject = project / "pyproject.toml"
    text = pyproject.read_text()
    changed = text.replace("dependencies = [", f'dependencies = ["{_COMPILED}", ', 1)
    if changed == text:
        raise BenchError(f"{pyproject} has no dependencies to add to")
    pyproject.write_text(changed)
    (project / "requirements.lock").unlink()


def build(runner: Runner, project: Path, home: Path, *, wheelhouse: bool) -> float:
    """Return the seconds of a build on an engine with empty data, whose cache is ``home``."""
    home.mkdir(mode=0o700)
    kept = (*_KEPT, "wheelhouse") if wheelhouse else _KEPT
    for name in kept:
        shutil.copytree(cache_dir() / name, home / name, symlinks=True)
    own = {**runner.environment, "NOX_BUILDKIT_CACHE": str(home)}
    other = replace(runner, environment={k: v for k, v in own.items() if k != "DOCKER_HOST"})
    other.run(nox("engine", "start"), project)
    try:
        shutil.rmtree(project / "dist", ignore_errors=True)
        return other.run(nox("build"), project)
    finally:
        other.run(nox("engine", "remove"), project)
        unmount(home)
        remove(home)
