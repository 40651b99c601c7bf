"""Files of a timeline: what they keep of earlier builds, and of layers that cannot be read."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from nox_buildkit.build.timeline import with_timeline
from nox_buildkit.oci.image_writer import Entry, PlatformImage, write_images
from nox_buildkit.oci.layout import Layout
from nox_buildkit.report.timeline import record
from nox_buildkit.report.timeline.model import Timeline
from nox_buildkit.results.model import ImageResult, Layer, PlatformResult
from nox_buildkit.stopwatch import Stopwatch


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))


def image(folder: Path, name: str, content: bytes) -> tuple[ImageResult, Layout]:
    """An image of one layer with one file."""
    info = tarfile.TarInfo("app/data/file")
    info.size = len(content)
    one = PlatformImage("linux/amd64", (Entry(info, content),))
    (entry,) = write_images(folder / name, [one])
    layout = Layout(folder / name)
    (layer,) = layout.manifest(entry.digest).layers
    platform = PlatformResult(
        "linux/amd64", entry.digest, (Layer("app", layer.digest, layer.size),)
    )
    return ImageResult(name, entry.digest, (platform,)), layout


def build(output: Path, *made: tuple[ImageResult, Layout]) -> Timeline:
    watch = Stopwatch()
    with watch.step("lock"):
        pass
    layouts = {result.name: layout for result, layout in made}
    timed = with_timeline(output, watch, [], [result for result, _ in made], layouts)
    assert all(result.seconds > 0 for result in timed)
    return record.parse((output / "timeline.json").read_bytes())


def test_images_that_are_not_built_keep_what_their_last_build_was(tmp_path: Path) -> None:
    output = tmp_path / "dist"
    first = build(output, image(tmp_path, "one", b"x" * 100))
    second = build(output, image(tmp_path, "two", b"y" * 5))
    assert second.built == ("two",)
    assert second.images["one"] == first.images["one"]
    assert "There is no earlier build" in (output / "timeline.html").read_text()

    third = build(output, image(tmp_path, "one", b"x" * 300))
    page = (output / "timeline.html").read_text()
    assert "There is no earlier build" not in page
    assert "+200 B" in page
    # Layers that no image has any more are forgotten.
    sizes = sorted(part.size for parts in third.contents.values() for part in parts)
    assert sizes == [5, 300]


def test_a_layer_that_cannot_be_read_is_known_by_its_size(tmp_path: Path) -> None:
    result, layout = image(tmp_path, "one", b"x")
    layout.path(result.platforms[0].layers[0].digest).write_bytes(b"\x28\xb5\x2f\xfd")
    found = build(tmp_path / "dist", (result, layout))
    assert not found.contents
    assert "cannot be read" in (tmp_path / "dist" / "timeline.html").read_text()
