"""Engines that end under a build, and disks of the cache that are full."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from nox_buildkit.engine.private import engine as private
from nox_buildkit.engine.private.paths import EnginePaths
from tests.engine.cli.faults.test_faults import campaign, in_namespace
from tests.support.faults import Unseen, held, processes_of, recovers, undisturbed
from tests.support.oci import ImageIndex
from tests.support.project import Done, Project
from tests.support.real_parts import in_cache


@pytest.fixture
def alone(unseen: Unseen, own_home: Path, engine_home: Path) -> Unseen:
    """A small project with an index and an engine of its own; programs are the session's."""
    project, _ = unseen
    for name in ("bases", "uv"):
        (engine_home / name).mkdir(exist_ok=True)
        (own_home / name).symlink_to(engine_home / name)
    project.env["NOX_BUILDKIT_CACHE"] = str(own_home)
    del project.env["DOCKER_HOST"]
    return unseen


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("dockerd", marks=campaign),
        pytest.param("containerd", marks=campaign),
        "stop",
    ],
)
def test_an_engine_that_ends_under_a_build(
    alone: Unseen, own_home: Path, common: dict[str, str], how: str
) -> None:
    project, _ = alone
    with held(alone, "compile") as process:
        if how == "stop":
            project.ok("engine", "stop")
        else:
            (daemon,) = processes_of(own_home, how)
            os.kill(daemon, signal.SIGKILL)
        stdout, stderr = process.communicate(timeout=120)
    done = Done(process.returncode, stdout, stderr)
    assert done.cause
    assert not project.tar.exists()
    recovers(project, undisturbed(project, **common))


def _load_in_part(home: Path, layer: str) -> None:
    """Let the engine of the cache ``home`` have the begin of ``layer``, as after a killed build."""
    with in_cache(home):
        program = private.start().binaries.containerd.with_name("ctr")
        paths = EnginePaths.current()
    ingests = paths.data / "containerd/io.containerd.content.v1.content/ingest"
    command = [str(program), "--address", str(paths.containerd_socket), "--namespace", "moby"]
    with subprocess.Popen(
        [*command, "content", "ingest", f"layer-{layer}"], stdin=subprocess.PIPE
    ) as process:
        assert process.stdin
        process.stdin.write(bytes(5_000_000))
        process.stdin.flush()
        deadline = time.monotonic() + 30
        while not any(data.stat().st_size for data in ingests.glob("*/data")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.kill()


def test_what_a_killed_build_has_loaded_in_part_is_loaded_again(
    alone: Unseen, own_home: Path, built_template: Project
) -> None:
    project, _ = alone
    base = ImageIndex.open(built_template.tar).platforms["linux/amd64"].layers[0]
    _load_in_part(own_home, base)
    done = project.ok("build", "--platform", "linux/amd64")
    assert "a build that was ended has loaded a base in part; building again" in done.stderr
    project.ok("build")


@campaign
@pytest.mark.parametrize(
    "disk",
    [(1, ("tools",)), (60, ("tools",)), (1, ("tools", "bases", "uv"))],
    ids=["at-first", "assembling", "exporting"],
)
def test_a_cache_on_a_full_disk(
    project: Project,
    built_template: Project,
    engine_home: Path,
    tmp_path: Path,
    disk: tuple[int, tuple[str, ...]],
) -> None:
    (megabytes, links), cache = disk, tmp_path / "cache"
    cache.mkdir(mode=0o700)
    mounts = f"mount -t tmpfs -o size={megabytes}m,mode=0700 tmpfs {cache}"
    for name in links:
        if (engine_home / name).exists():
            mounts += f"; ln -s {engine_home / name} {cache / name}"
    kept = project.env["NOX_BUILDKIT_CACHE"]
    project.env["NOX_BUILDKIT_CACHE"] = str(cache)
    done = in_namespace(project, mounts, "build")
    words = ("is full", "has room for", "no space left", "No space left")
    assert any(word in done.cause for word in words), done.stderr
    project.env["NOX_BUILDKIT_CACHE"] = kept
    recovers(project, built_template.digest())
