"""Assembled bases in the cache: whole or made anew, and never taken from a build that reads one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from nox_buildkit.bases.store import drop_damaged, find, keep


def made(folder: Path, content: str) -> Path:
    layout = folder / "layout"
    layout.mkdir()
    (layout / "blob").write_text(content)
    return layout


def test_a_newer_base_leaves_the_one_that_another_build_reads(tmp_path: Path) -> None:
    place = tmp_path / "debian-trixie-key"
    assert find(place) is None
    first = keep(place, made(tmp_path, "one"), {"digest": "sha256:1111"})
    second = keep(place, made(tmp_path, "two"), {"digest": "sha256:2222"})
    assert (first / "blob").read_text() == "one"
    assert find(place) == (second, {"digest": "sha256:2222"})
    yesterday = time.time() - 25 * 3600
    os.utime(first, (yesterday, yesterday))
    keep(place, made(tmp_path, "three"), {"digest": "sha256:3333"})
    assert not first.exists()
    assert second.exists()


@pytest.mark.parametrize("harm", ["cut", "flip", "remove", "add"])
def test_a_damaged_base_is_made_anew(
    tmp_path: Path, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "debian-trixie-key"
    folder = keep(place, made(tmp_path, "content"), {"digest": "sha256:1111"})
    blob = folder / "blob"
    times = blob.stat()
    if harm == "remove":
        blob.unlink()
    elif harm == "add":
        (folder / "more").touch()
    else:
        blob.write_text("c0ntent" if harm == "flip" else "c")
        os.utime(blob, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert find(place) is None
    drop_damaged(place)
    assert capsys.readouterr().err == f"{folder} was damaged: it is made anew\n"
    keep(place, made(tmp_path, "content"), {"digest": "sha256:1111"})
    assert find(place) == (folder, {"digest": "sha256:1111"})


def test_the_same_base_assembled_again_is_the_one_that_is_there(tmp_path: Path) -> None:
    place = tmp_path / "debian-trixie-key"
    folder = keep(place, made(tmp_path, "content"), {"digest": "sha256:1111"})
    number = (folder / "blob").stat().st_ino
    again = tmp_path / "again"
    again.mkdir()
    assert keep(place, made(again, "content"), {"digest": "sha256:1111"}) == folder
    assert (folder / "blob").stat().st_ino == number
