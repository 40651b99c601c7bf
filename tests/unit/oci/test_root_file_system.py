"""The file system of an image: its layers, put on each other as a runtime does."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from nox_buildkit.oci.file_contents import read_files
from nox_buildkit.oci.root_file_system import Tree

#: A name that ends with a slash is a folder, a text a link.
Members = list[tuple[str, bytes | str]]
Image = Callable[..., list[Path]]


@pytest.fixture
def layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))

    def made(*every: Members) -> list[Path]:
        paths = [tmp_path / f"layer{number}" for number, _ in enumerate(every)]
        for path, members in zip(paths, every, strict=True):
            with tarfile.open(path, "w:gz") as tar:
                for member in members:
                    _add(tar, *member)
        return paths

    return made


def _add(tar: tarfile.TarFile, name: str, content: bytes | str) -> None:
    info = tarfile.TarInfo(name)
    if isinstance(content, str):
        info.type, info.linkname = tarfile.SYMTYPE, content
    elif name.endswith("/"):
        info.type = tarfile.DIRTYPE
    info.size = len(content) if info.isreg() else 0
    tar.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)


def seen(image: list[Path]) -> dict[str, bytes]:
    return read_files(image, lambda _: True)


@pytest.mark.parametrize("start", ["", "./", "/", "//"])
def test_names_of_members_may_begin_in_any_way(layers: Image, start: str) -> None:
    assert seen(layers([(f"{start}nix/store/a", b"a")])) == {"/nix/store/a": b"a"}


def test_a_path_through_a_link_of_a_lower_layer_is_where_it_leads(layers: Image) -> None:
    base: Members = [("usr/bin/", b""), ("bin", "usr/bin"), ("usr/bin/sh", b"1")]
    image = layers(base, [("bin/tool", b"2"), ("bin/sh", b"2")], [("bin/.wh.tool", b"")])

    assert seen(image) == {"/usr/bin/sh": b"2"}
    assert seen(image[:2]) == {"/usr/bin/sh": b"2", "/usr/bin/tool": b"2"}
    assert Tree(image[:2]).find("/bin/tool")
    assert Tree(image[:2]).entries["/bin"].link == "usr/bin"


def test_a_folder_takes_the_place_of_a_link(layers: Image) -> None:
    base: Members = [("usr/bin/", b""), ("bin", "usr/bin"), ("usr/bin/sh", b"1")]

    assert seen(layers(base, [("bin/", b""), ("bin/tool", b"2")])) == {
        "/usr/bin/sh": b"1",
        "/bin/tool": b"2",
    }


def test_a_file_or_a_link_takes_the_place_of_a_folder(layers: Image) -> None:
    base: Members = [("opt/app/", b""), ("opt/app/a", b"1"), ("data/", b""), ("data/b", b"1")]

    assert seen(layers(base, [("opt/app", b"2"), ("data", "opt")])) == {"/opt/app": b"2"}


@pytest.mark.parametrize("whiteout", ["opt/.wh..wh..opq", "opt/.wh.app"])
def test_whiteouts_hide_nothing_of_their_own_layer(layers: Image, whiteout: str) -> None:
    base: Members = [("opt/app/", b""), ("opt/app/old", b"1")]
    new: Members = [("opt/app/", b""), ("opt/app/new", b"2")]

    assert seen(layers(base, [*new, (whiteout, b"")])) == {"/opt/app/new": b"2"}
    assert seen(layers(base, [(whiteout, b""), *new])) == {"/opt/app/new": b"2"}


def test_links_in_a_circle_keep_what_is_below_them(layers: Image) -> None:
    assert seen(layers([("a", "b"), ("b", "a")], [("a/x", b"1")])) == {"/a/x": b"1"}
