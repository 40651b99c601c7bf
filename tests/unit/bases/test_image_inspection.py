"""What is found out about a base from its layers."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from datetime import date
from itertools import count
from pathlib import Path

import pytest

from nox_buildkit.bases.image_inspection import ImageInspection, look
from nox_buildkit.debian.releases import warnings
from nox_buildkit.plan.wheel_platforms import Libc

GLIBC = b"\x7fELF GNU C Library (Debian GLIBC 2.36-9+deb12u9) stable release version 2.36.\n"
MUSL = b"\x7fELF\x00\x001.2.5\x00"
DEBIAN = {
    "bin": "->usr/bin",
    "lib": "->usr/lib",
    "usr/bin/dash": b"",
    "usr/bin/sh": "->dash",
    "usr/bin/apt-get": b"",
    "usr/lib/x86_64-linux-gnu/libc.so.6": GLIBC,
    "usr/lib/os-release": b'PRETTY_NAME="Debian"\nID=debian\nVERSION_ID="12"\n',
    "etc/os-release": "->../usr/lib/os-release",
    "usr/bin/python3.11": b"",
    "usr/bin/python3": "->python3.11",
}
_NUMBERS = count()


def layer(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    """A layer: bytes are files, ``->target`` are links."""
    path = folder / f"layer{next(_NUMBERS)}"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"./{name}")
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content.removeprefix("->")
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))

    def looked(*layers: Mapping[str, bytes | str], **config: object) -> ImageInspection:
        return look(config, [layer(tmp_path, files) for files in layers])

    return looked


def test_debian(inside) -> None:  # type: ignore[no-untyped-def]
    found = inside(DEBIAN, Entrypoint=["/entry"], Cmd=None)

    assert found.libc == Libc("glibc", (2, 36))
    assert (found.python, found.interpreter) == ("3.11", "/usr/bin/python3.11")
    assert found.shell
    assert found.apt
    assert found.distribution == ("debian", "12")
    assert (found.entrypoint, found.command) == (("/entry",), ())


def test_the_first_python_on_the_path_counts(inside) -> None:  # type: ignore[no-untyped-def]
    own = {"usr/local/bin/python3.13": b"", "usr/local/bin/python3": "->/usr/local/bin/python3.13"}

    assert inside(DEBIAN, own).python == "3.13"
    assert inside(DEBIAN, own, Env=["PATH=/usr/bin"]).python == "3.11"
    elsewhere = {"opt/py/python": "->../../usr/bin/python3.11"}
    assert inside(DEBIAN, elsewhere, Env=["PATH=/opt/py"]).interpreter == "/usr/bin/python3.11"


def test_what_a_later_layer_removed_is_not_there(inside) -> None:  # type: ignore[no-untyped-def]
    assert not inside(DEBIAN, {"usr/bin/.wh.dash": b""}).shell
    assert not inside(DEBIAN, {"usr/bin/.wh.python3": b""}).python
    assert inside(DEBIAN, {"usr/.wh..wh..opq": b""}).distribution == ("", "")
    assert not inside(DEBIAN, {"usr/.wh.bin": b""}).builds


def test_what_a_layer_puts_in_place_of_what_it_hides_is_there(inside) -> None:  # type: ignore[no-untyped-def]
    other = {"usr/bin/sh": b"", "usr/bin/.wh..wh..opq": b""}

    assert inside(DEBIAN, other).shell
    assert not inside(DEBIAN, other).python


def test_a_layer_without_folders_puts_files_where_links_lead(inside) -> None:  # type: ignore[no-untyped-def]
    assert inside(DEBIAN, {"bin/python3.13": b"", "bin/python3": "->python3.13"}).python == "3.13"


def test_musl(inside) -> None:  # type: ignore[no-untyped-def]
    alpine = {
        "lib/ld-musl-x86_64.so.1": MUSL,
        "etc/os-release": b"ID=alpine\nVERSION_ID=3.20.3\n",
        "usr/local/bin/python3": "->python3.13",
        "usr/local/bin/python3.13": b"",
        "bin/busybox": b"",
        "bin/sh": "->/bin/busybox",
    }
    found = inside(alpine)

    assert (found.libc, found.builds, found.apt) == (Libc("musl", (1, 2)), True, False)
    assert found.distribution == ("alpine", "3.20.3")


def test_links_in_a_circle_lead_nowhere(inside) -> None:  # type: ignore[no-untyped-def]
    assert not inside(DEBIAN, {"usr/bin/python3": "->a", "usr/bin/a": "->python3"}).python


@pytest.mark.parametrize(
    ("distribution", "today", "said"),
    [
        (("debian", "11"), date(2026, 8, 31), []),
        (("debian", "11"), date(2026, 9, 1), ["Debian 11 has had no security updates"]),
        (("ubuntu", "24.04"), date(2026, 9, 1), []),
        (("alpine", "3.22.1"), date(2026, 9, 1), ["Alpine has musl"]),
        (("alpine", "3.19.4"), date(2026, 9, 1), ["Alpine 3.19 has had no", "Alpine has musl"]),
        (("wolfi", "20230201"), date(2026, 9, 1), []),
    ],
)
def test_releases(distribution: tuple[str, str], today: date, said: list[str]) -> None:
    found = warnings(distribution, today)

    assert len(found) == len(said)
    assert all(text.startswith(start) for text, start in zip(found, said, strict=True))
