"""Bases that are kept are whole, or made again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project
from real_parts import in_cache

from nox_buildkit.bases.debian import Contents, assembled, release_for

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

    with in_cache(home):
        assert assembled(release_for("3.13"), BOTH, Contents())
        damage(max(copy.rglob("*"), key=lambda path: path.stat().st_size))
        assert not assembled(release_for("3.13"), BOTH, Contents())
