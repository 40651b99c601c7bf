"""Files of images take their places together, or none of them does."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from nox_buildkit.build.archive import packing
from nox_buildkit.errors import BuildError, Code
from nox_buildkit.oci.image_writer import Entry, PlatformImage, write_images
from nox_buildkit.oci.layout import Layout
from tests.support.codes import coded


def made(folder: Path) -> tuple[Layout, str]:
    image = PlatformImage("linux/amd64", (Entry(tarfile.TarInfo("app/main.py"), b"1"),))
    write_images(folder, [image])
    (index,) = Layout(folder).entries()
    return Layout(folder), index.digest


def test_a_file_that_cannot_be_written_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    layout, digest = made(tmp_path / "layout")
    output = tmp_path / "dist"
    output.mkdir()
    (output / "a.oci.tar").write_text("before")
    unwritable = output / f"{'b' * 300}.oci.tar"

    refused = pytest.raises(BuildError, match="cannot be written: File name too long")
    with refused, coded(Code.OUTPUT), packing() as pack:
        pack(layout, digest, (), output / "a.oci.tar")
        pack(layout, digest, (), unwritable)

    assert {path.name: path.read_text() for path in output.iterdir()} == {"a.oci.tar": "before"}


def test_a_place_that_is_taken_by_a_folder_is_told(tmp_path: Path) -> None:
    layout, digest = made(tmp_path / "layout")
    taken = tmp_path / "dist" / "a.oci.tar"
    taken.mkdir(parents=True)

    refused = pytest.raises(BuildError, match=f"^{taken} cannot be written: Is a directory")
    with refused, coded(Code.OUTPUT), packing() as pack:
        pack(layout, digest, (), taken)

    assert list(taken.parent.iterdir()) == [taken]


def test_all_are_there_at_the_end(tmp_path: Path) -> None:
    layout, digest = made(tmp_path / "layout")
    names = ("a.oci.tar", "b.oci.tar")
    with packing() as pack:
        archives = [pack(layout, digest, (), tmp_path / "dist" / name) for name in names]
        assert not any((tmp_path / "dist" / name).exists() for name in names)

    assert archives[0] == archives[1]
    sizes = [(tmp_path / "dist" / name).stat().st_size for name in names]
    assert sizes == [archive.size for archive in archives]
