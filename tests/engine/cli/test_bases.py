"""Bases that are kept are whole, or made again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nox_buildkit.bases.debian_base import Contents, assembled, release_for
from tests.support.project import Project
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
        base = assembled(release_for("3.13"), BOTH, Contents())
    assert base
    home = tmp_path / "cache"
    copy = home / base.folder.relative_to(kept)
    shutil.copytree(base.folder, copy)
    # What says which base is the newest, and what is in it.
    for beside in (*kept.glob("bases/*.json"), *kept.glob("bases/*.sealed")):
        shutil.copy(beside, copy.parent)

    with in_cache(home):
        assert assembled(release_for("3.13"), BOTH, Contents())
        damage(max(copy.rglob("*"), key=lambda path: path.stat().st_size))
        assert not assembled(release_for("3.13"), BOTH, Contents())


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
    assert cause.endswith("run 'nox -s lock -- --bases' and commit it")

    path.write_text('{"bases": {}}')
    assert "bases.lock does not have debian:trixie" in project.nox("build", CI="true").cause
