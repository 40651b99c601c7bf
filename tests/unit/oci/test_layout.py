"""OCI layouts: composed of others, checked blob by blob, and freed of what nothing refers to."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from nox_buildkit.oci.image_writer import Entry, PlatformImage, write_images
from nox_buildkit.oci.layout import Layout, compose


def image(platform: str, text: str) -> PlatformImage:
    return PlatformImage(
        platform, (Entry(tarfile.TarInfo("file"), text.encode()),), {"Cmd": [text]}
    )


@pytest.fixture
def layouts(tmp_path: Path) -> list[Layout]:
    """A layout with an image for a platform, twice."""
    names = {"linux/amd64": "one", "linux/arm64": "two"}
    for platform, text in names.items():
        write_images(tmp_path / text, [image(platform, text)])
    return [Layout(tmp_path / text) for text in names.values()]


def test_images_are_those_that_were_written(layouts: list[Layout]) -> None:
    (entry,) = layouts[0].entries()
    ((descriptor, manifest),) = layouts[0].images(entry.digest)
    configuration = layouts[0].configuration(manifest)
    assert str(descriptor.platform) == str(configuration.platform) == "linux/amd64"
    assert configuration.process == {"Cmd": ["one"]}
    (layer,) = layouts[0].layers(manifest)
    with tarfile.open(fileobj=io.BytesIO(layer.read_bytes())) as tar:
        stream = tar.extractfile("file")
        assert stream
        assert stream.read() == b"one"


def test_a_composed_layout_is_the_same_as_one_that_was_written_at_once(
    layouts: list[Layout], tmp_path: Path
) -> None:
    digest = compose(tmp_path / "composed", ((one, one.entries()[0].digest) for one in layouts))
    at_once = [image("linux/amd64", "one"), image("linux/arm64", "two")]
    write_images(tmp_path / "at-once", at_once)
    assert [entry.digest for entry in Layout(tmp_path / "at-once").entries()] == [digest]
    assert Layout(tmp_path / "composed").is_whole(digest)


def test_a_changed_or_missing_blob_is_noticed(layouts: list[Layout]) -> None:
    (entry,) = layouts[0].entries()
    for digest in layouts[0].reachable(entry.digest):
        path = layouts[0].path(digest)
        content = path.read_bytes()
        for changed in (content[:-1], content + b" ", b"{}", None):
            path.unlink()
            if changed is not None:
                path.write_bytes(changed)
            assert not layouts[0].is_whole(entry.digest), path
            path.write_bytes(content)
    assert layouts[0].is_whole(entry.digest)


def test_what_an_image_does_not_refer_to_is_swept(layouts: list[Layout]) -> None:
    (entry,) = layouts[0].entries()
    more = layouts[0].write("text/plain", b"of an earlier build")
    layouts[0].sweep(entry.digest)
    assert not layouts[0].path(more.digest).exists()
    assert layouts[0].is_whole(entry.digest)
    with pytest.raises(FileNotFoundError):
        layouts[0].entries()
