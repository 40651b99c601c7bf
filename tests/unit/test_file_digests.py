"""Digests of files are kept for as long as the files are what they were."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from nox_buildkit.file_digests import FileDigests


class _Files:
    """A folder whose files are told apart by content, and how often each was read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.read: list[str] = []

    def digest(self, name: str) -> str:
        """Return the digest of a file, as a new run finds it."""
        digests = FileDigests(self.folder, "sources")
        path = self.folder / name

        def read() -> str:
            self.read.append(name)
            return hashlib.sha256(path.read_bytes()).hexdigest()

        found = digests.of(str(path), path.lstat(), read)
        digests.keep()
        return found


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Files:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "project"
    folder.mkdir()
    return _Files(folder)


def _settle() -> None:
    """Wait until what was written is no longer as new as the clock of a file system."""
    time.sleep(0.2)


def test_a_file_is_read_once_while_it_stays_the_same(files: _Files) -> None:
    (files.folder / "a").write_text("one")
    _settle()
    first = files.digest("a")
    assert files.digest("a") == first
    assert files.read == ["a"]


def test_every_change_is_seen(files: _Files) -> None:
    path = files.folder / "a"
    path.write_text("one")
    _settle()
    known = {files.digest("a")}
    before = path.stat()
    # Of the same size, with the same time of modification.
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    known.add(files.digest("a"))
    # Another file at its place, as editors write it.
    (files.folder / "b").write_text("six")
    os.utime(files.folder / "b", ns=(before.st_atime_ns, before.st_mtime_ns))
    (files.folder / "b").rename(path)
    known.add(files.digest("a"))
    assert len(known) == 3


def test_a_file_that_was_just_written_is_read_again(files: _Files) -> None:
    (files.folder / "a").write_text("one")
    files.digest("a")
    files.digest("a")
    assert files.read == ["a", "a"]


def test_what_is_kept_is_proved(files: _Files, capsys: pytest.CaptureFixture[str]) -> None:
    (files.folder / "a").write_text("one")
    _settle()
    first = files.digest("a")
    (kept,) = (files.folder.parent / "cache/digests").iterdir()
    content = kept.read_bytes()
    kept.write_bytes(content.replace(first.encode(), first[::-1].encode()))
    assert files.digest("a") == first
    assert f"{kept} was damaged: it is made anew" in capsys.readouterr().err
    # Files that are gone are forgotten when another is read.
    (files.folder / "b").write_text("two")
    (files.folder / "a").unlink()
    _settle()
    files.digest("b")
    assert str(files.folder / "a").encode() not in kept.read_bytes()
