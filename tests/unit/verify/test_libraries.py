"""What programs need, read from real ones: those of this machine."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from nox_buildkit.oci.platform import host_platform
from nox_buildkit.oci.root_file_system import Tree
from nox_buildkit.plan.wheel_platforms import Libc
from nox_buildkit.verify.libraries import Missing, examine, read_layers

OLD, NEW = Libc("glibc", (2, 2)), Libc("glibc", (2, 99))


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """A layer with a program of this machine."""
    program = shutil.which("ls")
    assert program
    path = tmp_path / "layer"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(Path(program).resolve(), "usr/bin/ls")
    return path


def test_a_program_that_is_too_new_for_the_image_is_named(layer: Path) -> None:
    said = examine([layer], 1, host_platform(), OLD).problems

    assert [text for text in said if "needs glibc 2." in text and "has glibc 2.2" in text]
    assert not examine([layer], 1, host_platform(), NEW).problems


def test_a_program_for_another_machine_is_named(layer: Path) -> None:
    other = "linux/arm64" if host_platform() == "linux/amd64" else "linux/amd64"

    found = examine([layer], 1, other, OLD)

    (said,) = found.problems
    assert said.startswith("/usr/bin/ls is made for another machine (EM_")
    assert not found.missing


def test_a_missing_library_comes_with_the_program_that_needs_it(layer: Path) -> None:
    found = examine([layer], 1, host_platform(), NEW)

    assert Missing("libc.so.6", ("usr/bin/ls",)) in found.missing


def test_the_driver_of_a_graphics_card_is_the_hosts(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("there is no compiler")
    for name in ("libcuda.so.1", "libnvidia-ml.so.1", "libother.so.1"):
        _linked(compiler, tmp_path / name, [])
    needed = [str(path) for path in sorted(tmp_path.glob("lib*"))]
    _linked(compiler, tmp_path / "wheel.so", ["-Wl,--no-as-needed", *needed])
    with tarfile.open(tmp_path / "layer", "w:gz") as tar:
        tar.add(tmp_path / "wheel.so", "opt/wheel.so")

    def missing(*, cuda: bool) -> list[str]:
        layers = [tmp_path / "layer"]
        return [m.name for m in examine(layers, 1, host_platform(), NEW, cuda=cuda).missing]

    assert missing(cuda=True) == ["libother.so.1"]
    assert missing(cuda=False) == ["libcuda.so.1", "libnvidia-ml.so.1", "libother.so.1"]


def _linked(compiler: str, target: Path, arguments: list[str]) -> None:
    """Link a shared object of no content, for this machine."""
    options = ["-shared", "-nostdlib", f"-Wl,-soname,{target.name}", "-x", "c", "/dev/null"]
    command = [compiler, *options, "-x", "none", *arguments, "-o", str(target)]
    subprocess.run(command, check=True)


def test_the_uppermost_layer_with_a_distribution_says_which_it_is(
    tmp_path: Path, layer: Path
) -> None:
    layers = [
        with_os_release(tmp_path / "old", "VERSION_ID=12\nID=debian\n"),
        with_os_release(
            tmp_path / "new", 'PRETTY_NAME="Distroless"\nID="debian"\nVERSION_ID="13"\n'
        ),
        layer,
    ]

    for _kept in (False, True):
        found = examine(layers, 1, host_platform(), NEW)
        assert found.distribution == ("debian", "13")
    assert examine([layer], 1, host_platform(), NEW).distribution == ("", "")


def test_a_layer_is_read_once_for_all_that_is_looked_for_in_it(tmp_path: Path, layer: Path) -> None:
    base = with_os_release(tmp_path / "base", "VERSION_ID=12\nID=debian\n")
    expected = examine([base, layer], 1, host_platform(), OLD)
    for kept in (tmp_path / "cache/layers").iterdir():
        kept.unlink()

    read_layers([base, layer], 1)
    for each in (base, layer):
        each.write_bytes(b"not a layer any more")
    assert "/usr/bin/ls" in Tree([base, layer]).entries
    assert examine([base, layer], 1, host_platform(), OLD) == expected


def with_os_release(path: Path, text: str) -> Path:
    """A layer as Debian's: the file, and a link to it from /etc."""
    file, link = tarfile.TarInfo("./usr/lib/os-release"), tarfile.TarInfo("./etc/os-release")
    file.size = len(text)
    link.type, link.linkname = tarfile.SYMTYPE, "../usr/lib/os-release"
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(link)
        tar.addfile(file, io.BytesIO(text.encode()))
    return path
