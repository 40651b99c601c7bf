"""Other machines: a private engine with empty data, that builds or pulls."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
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
    kept = (*_KEPT, "wheelhouse") if wheelhouse else _KEPT
    with _machine(runner, project, home, kept) as other:
        shutil.rmtree(project / "dist", ignore_errors=True)
        return other.run(nox("build"), project)


@contextlib.contextmanager
def puller(runner: Runner, project: Path, home: Path) -> Iterator[Runner]:
    """Start an engine with empty data; yield what runs docker commands on it."""
    with _machine(runner, project, home, ("apt", "tools")) as other:
        variables = json.loads(other.output(nox("engine", "env", "--json"), project))
        yield replace(other, environment={**other.environment, **variables["environment"]})


@contextlib.contextmanager
def _machine(runner: Runner, project: Path, home: Path, kept: tuple[str, ...]) -> Iterator[Runner]:
    """Start an engine whose cache is ``home``, with the parts ``kept`` of this machine's."""
    home.mkdir(mode=0o700)
    for name in kept:
        shutil.copytree(cache_dir() / name, home / name, symlinks=True)
    own = {**runner.environment, "NOX_BUILDKIT_CACHE": str(home)}
    other = replace(runner, environment={k: v for k, v in own.items() if k != "DOCKER_HOST"})
    other.run(nox("engine", "start"), project)
    try:
        yield other
    finally:
        other.run(nox("engine", "remove"), project)
        unmount(home)
        remove(home)
