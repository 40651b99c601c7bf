"""Sizes of the parts of a layer, out of lists that installers leave."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from nox_buildkit.oci.layer_contents import Part, contents_of
from nox_buildkit.oci.root_file_system import Tree

SITE = "opt/venv/lib/python3.13/site-packages"
RECORD = """\
demo_pkg/__init__.py,sha256=x,10
../../../bin/demo,sha256=x,5
demo_pkg-1.0.dist-info/RECORD,,
"""
FILES = {
    f"{SITE}/demo_pkg/__init__.py": b"x" * 10,
    f"{SITE}/demo_pkg/__pycache__/__init__.cpython-313.pyc": b"x" * 20,
    f"{SITE}/demo_pkg-1.0.dist-info/RECORD": RECORD.encode(),
    "opt/venv/bin/demo": b"x" * 5,
    "var/lib/dpkg/info/libfoo:amd64.md5sums": b"0123  usr/lib/libfoo.so\n",
    "usr/lib/libfoo.so": b"x" * 300,
    "usr/lib/x/y/z": b"x" * 7,
    "usr/lib/x/huge": b"x" * 1_000_000,
    "top": b"x" * 3,
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))


def layer(path: Path) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def test_files_are_of_the_distribution_or_package_that_lists_them(tmp_path: Path) -> None:
    debian = 300 + len(FILES["var/lib/dpkg/info/libfoo:amd64.md5sums"])
    assert contents_of(layer(tmp_path / "one")) == (
        Part("file", "/usr/lib/x/huge", "", 1_000_000),
        Part("debian", "libfoo", "", debian),
        Part("python", "demo-pkg", "1.0", 10 + 20 + 5 + len(RECORD)),
        Part("folder", "/usr/lib/x", "", 7),
        Part("folder", "/", "", 3),
    )


def test_a_layer_is_read_once_whoever_asks_first(tmp_path: Path) -> None:
    first = layer(tmp_path / "first")
    Tree([first])
    first.write_bytes(b"not a layer any more")

    assert contents_of(first)[0].name == "/usr/lib/x/huge"


def test_a_layer_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "zstd"
    path.write_bytes(b"\x28\xb5\x2f\xfd compressed otherwise")
    with pytest.raises(tarfile.TarError):
        contents_of(path)
