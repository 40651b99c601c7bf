"""Bases that are kept are whole, or made again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nox_buildkit.bases.assembled_bases import BaseContents, assembled, place_of
from nox_buildkit.bases.debian_release import release_for
from nox_buildkit.cache_entries import read_cached, write_cached
from tests.support.project import Done, Project
from tests.support.real_parts import in_cache

BOTH = ("linux/amd64", "linux/arm64")


def shorten(blob: Path) -> None:
    os.truncate(blob, blob.stat().st_size - 1)


def overwrite(blob: Path) -> None:
    blob.write_bytes(bytes(blob.stat().st_size))


@pytest.mark.parametrize("damage", [shorten, overwrite, Path.unlink])
def test_a_damaged_base_does_not_count(
    built: Project, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    kept = Path(built.env["NOX_BUILDKIT_CACHE"])
    with in_cache(kept):
        base = assembled(release_for("3.13"), BOTH[:1], BaseContents())
    assert base
    home = tmp_path / "cache"
    copy = home / base.folder.relative_to(kept)
    shutil.copytree(base.folder, copy)
    # What says which base is the newest, and what is in it.
    for beside in (*kept.glob("bases/*.json"), *kept.glob("bases/*.sealed")):
        shutil.copy(beside, copy.parent)

    with in_cache(home):
        assert assembled(release_for("3.13"), BOTH[:1], BaseContents())
        damage(max(copy.rglob("*"), key=lambda path: path.stat().st_size))
        assert not assembled(release_for("3.13"), BOTH[:1], BaseContents())


def test_a_locked_debian_is_the_one_that_is_built_on(project: Project) -> None:
    base = json.loads(project.ok("plan", "--json").stdout)["images"][0]["base"]
    path = project.root / "bases.lock"

    def lock(digest: str) -> None:
        entry = {"digest": digest, "platforms": ["linux/amd64", "linux/arm64"]}
        path.write_text(json.dumps({"bases": {"debian:trixie": entry}}))

    lock(base["digest"])
    plan = json.loads(project.ok("plan", "--json", CI="true").stdout)["images"][0]
    assert plan["base"] == base

    # An archive that has moved on does not have it any more.
    lock(f"sha256:{'0' * 64}")
    cause = project.nox("build").cause
    assert "bases.lock has another debian:trixie than Debian's archive has now" in cause
    assert cause.codes == ["NBK404"]
    assert cause.endswith("run 'nox -s lock -- --bases' and commit it")

    path.write_text('{"bases": {}}')
    assert "bases.lock does not have debian:trixie" in project.nox("build", CI="true").cause


@pytest.fixture(scope="module")
def own_bases(engine_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder without bases; the programs of the engine are those of the session."""
    home = tmp_path_factory.mktemp("own") / "cache"
    home.mkdir(mode=0o700)
    for folder in engine_home.iterdir():
        if folder.name != "bases":
            (home / folder.name).symlink_to(folder)
    return home


def _assembled(done: Done) -> list[str]:
    """Platforms that a base was assembled for, as it was said."""
    begin = "assembling Debian trixie with Python 3.13 for "
    return [x.removeprefix(begin) for x in done.stderr.splitlines() if x.startswith(begin)]


def test_only_the_platforms_that_are_asked_for_are_assembled(
    project: Project, own_bases: Path
) -> None:
    project.env["NOX_BUILDKIT_CACHE"] = str(own_bases)

    def base(*options: str) -> tuple[str, list[str]]:
        done = project.ok("plan", "--json", *options)
        return json.loads(done.stdout)["images"][0]["base"]["digest"], _assembled(done)

    alone, said = base("--platform", "linux/amd64")
    assert said == ["linux/amd64"]
    both, said = base()
    assert said == ["linux/arm64"]
    assert base("--platform", "linux/amd64") == (alone, [])
    assert base() == (both, [])
    layouts = {path.name[-12:]: path for path in own_bases.glob("bases/debian-trixie-*-*/")}
    manifests = [
        {entry["digest"] for entry in _index(layouts[digest.removeprefix("sha256:")[:12]])}
        for digest in (alone, both)
    ]
    assert manifests[0] < manifests[1]


def test_only_a_base_that_debian_has_newer_packages_for_is_assembled_anew(
    project: Project, own_bases: Path
) -> None:
    project.env["NOX_BUILDKIT_CACHE"] = str(own_bases)
    project.ok("plan")
    assert _assembled(project.ok("lock", "--bases")) == []
    locked = (project.root / "bases.lock").read_text()

    with in_cache(own_bases):
        entry = place_of(release_for("3.13"), ["linux/arm64"], BaseContents())
    record = entry.with_name(f"{entry.name}.json")
    known = read_cached(record)
    known["packages"]["linux/arm64"]["tzdata"] = "2020a-1"
    write_cached(record, known)
    assert _assembled(project.ok("lock", "--bases")) == ["linux/arm64"]
    # It is of the same packages, and so the same base.
    assert (project.root / "bases.lock").read_text() == locked


def _index(layout: Path) -> list[dict[str, str]]:
    def read(name: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads((layout / name).read_text())["manifests"]
        return found

    (top,) = read("index.json")
    return read(f"blobs/{top['digest'].replace(':', '/')}")
