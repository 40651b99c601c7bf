"""What is in the cache is proved before it is used: a damaged entry is made anew, and said so."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from nox_buildkit.engine.private.engine import PrivateEngine
from nox_buildkit.lock.uv_binary import uv_programs
from tests.support.oci import ImageIndex
from tests.support.package_index import PackageIndex, new_version
from tests.support.project import Project
from tests.support.real_parts import copy_cache, in_cache


@pytest.fixture
def caching(project: Project, engine_home: Path, tmp_path: Path) -> Project:
    """A project with the session's engine, and a cache of its own with what was downloaded."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    copy_cache(engine_home, home, "bases", "uv", "apt", "tools")
    project.env["NOX_BUILDKIT_CACHE"] = str(home)
    return project


def cache_of(project: Project) -> Path:
    return Path(project.env["NOX_BUILDKIT_CACHE"])


def test_damaged_answers_are_asked_for_again(caching: Project) -> None:
    whole = json.loads(caching.ok("plan", "--json").stdout)
    entries = [*cache_of(caching).glob("coverage/*"), *cache_of(caching).glob("pylock/*")]
    assert len(entries) == 2
    for entry in entries:
        entry.write_text("{}")
    done = caching.ok("plan", "--json")
    assert json.loads(done.stdout) == whole
    for entry in entries:
        assert f"{entry} was damaged: it is made anew\n" in done.stderr
    assert "damaged" not in caching.ok("plan", "--json").stderr


def test_a_damaged_uv_is_downloaded_again(caching: Project, engine_home: Path) -> None:
    folder = next(cache_of(caching).glob("uv/*/linux-amd64"))
    program = folder / "uv"
    program.write_bytes(program.read_bytes()[:1000])
    with in_cache(cache_of(caching)):
        uv_programs(["linux/amd64"])
    assert subprocess.run([program, "--version"], check=True, capture_output=True).stdout


def test_byte_code_that_was_damaged_is_compiled_again(
    unseen: tuple[Project, PackageIndex], private_engine: PrivateEngine, engine_home: Path
) -> None:
    project, index = unseen
    arguments = ("build", "--platform", "linux/amd64")
    began = time.time()
    project.ok(*arguments)
    before = ImageIndex.open(project.tar).platforms["linux/amd64"]
    kept = (engine_home / "engine/data/containerd").glob("*/snapshots/*/fs/*.marshal")
    entries = [path for path in kept if path.stat().st_ctime >= began]
    assert entries
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:-1])
    # One more package: the step of all pure packages runs again.
    version = new_version()
    index.add("other", version)
    project.write(
        {"requirements.in": (project.root / "requirements.in").read_text() + f"other=={version}\n"}
    )
    done = project.ok(*arguments)
    assert "byte code in the cache was damaged, and is compiled again\n" in done.stderr
    after = ImageIndex.open(project.tar).platforms["linux/amd64"]
    name = "opt/venv/lib/python3.13/site-packages/plain/__pycache__/__init__.cpython-313.pyc"
    assert after.read_bytes(name) == before.read_bytes(name)


def test_a_cache_may_lie_behind_a_link(project: Project, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(cache_of(project))
    project.ok("build", "--platform", "linux/amd64", NOX_BUILDKIT_CACHE=str(link))
    assert project.tar.exists()


def test_a_cache_with_an_at_sign_in_its_path_is_refused(caching: Project, tmp_path: Path) -> None:
    home = tmp_path / "c@che"
    cache_of(caching).rename(home)
    cause = caching.nox("build", "--platform", "linux/amd64", NOX_BUILDKIT_CACHE=str(home)).cause
    assert f"buildx takes the '@' in {home}/bases/" in cause
    assert cause.codes == ["NBK105"]
    assert "set NOX_BUILDKIT_CACHE to a folder without it" in cause
