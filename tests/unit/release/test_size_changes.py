"""Sizes beside those of what is published: told where they differ, and a warning where by much."""

from __future__ import annotations

import random
import re
import tarfile
from pathlib import Path

import pytest

from nox_buildkit.build.size_changes import size_changes
from nox_buildkit.oci.image_writer import Entry, PlatformImage, write_images
from nox_buildkit.oci.layout import Layout
from nox_buildkit.plan.image import Publication
from nox_buildkit.plan.tags import TagValues, tags_for
from nox_buildkit.progress import SILENT
from nox_buildkit.release.journal import Journal
from nox_buildkit.release.publish import Candidate, destinations_of, publish
from tests.support.recorder import Recorder


def candidate(folder: Path, version: str, count: int) -> Candidate:
    """An image whose size is about ``count`` bytes."""
    content = random.Random(version).randbytes(count)  # noqa: S311 - does not compress
    write_images(folder, [PlatformImage("linux/amd64", (Entry(tarfile.TarInfo("a"), content),))])
    layout = Layout(folder)
    (top,) = layout.entries()
    tags, skipped = tags_for(("{version}", "latest"), TagValues(version))
    publication = Publication(tags, ("one.example/api",), version, "pep440", (), skipped)
    return Candidate("api", layout, top.digest, publication, {})


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (100_000, ""),
        (110_000, r"api linux/amd64: 11\d kB, (?:9\.\d\d|10\.\d) kB more than latest until now"),
        (50_000, r"api linux/amd64: 5\d\.\d kB, \S+ kB less than latest until now"),
        (200_000, r"warning: api linux/amd64: 20\d kB, \S+ kB more than latest until now"),
    ],
)
def test_a_change_of_size_is_told(tmp_path: Path, count: int, told: str) -> None:
    recorder = Recorder("one.example/api")
    first = destinations_of([candidate(tmp_path / "1", "1.0", 100_000)], lambda _: recorder, None)
    assert list(size_changes(first)) == []
    publish(first, [], Journal(tmp_path / "journal.json"), SILENT)
    second = destinations_of([candidate(tmp_path / "2", "1.1", count)], lambda _: recorder, None)
    assert re.fullmatch(told, "\n".join(size_changes(second)))
