"""Packages of libraries, asked of Debian's real archive."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nox_buildkit.debian.library_index import packages_of
from nox_buildkit.errors import EngineError
from nox_buildkit.verify.libraries import Findings, Missing
from nox_buildkit.verify.library_packages import with_packages
from tests.support.real_parts import in_cache

LIBRARIES = {
    "libpq.so.5": "libpq5",
    "libpython3.11.so.1.0": "libpython3.11",
    # Not what the rule of names says.
    "libjpeg.so.62": "libjpeg62-turbo",
    "libopenblas.so.0": "libopenblas0-openmp",
}
BOOKWORM = ("debian", "12")


@pytest.fixture(scope="module", autouse=True)
def own_cache() -> Iterator[Path]:
    """An empty cache folder, and with it indexes of its own."""
    home = Path(tempfile.mkdtemp(prefix="nbk"))
    with in_cache(home):
        yield home
    shutil.rmtree(home)


@pytest.fixture
def empty_cache(tmp_path: Path) -> Iterator[None]:
    with in_cache(tmp_path):
        yield


def make_old(home: Path) -> None:
    """Let the index be of yesterday."""
    for stamp in ("contents/bookworm-amd64.tried", "apt/bookworm-files-amd64/updated"):
        os.utime(home / stamp, (time.time() - 86400,) * 2)


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_packages_are_those_of_the_archive(architecture: str) -> None:
    told: list[str] = []

    assert packages_of(LIBRARIES, "bookworm", architecture, told.append) == LIBRARIES
    assert len(told) == 1
    began = time.monotonic()
    assert packages_of(["libpq.so.5"], "bookworm", architecture, told.append)
    assert time.monotonic() - began < 2
    assert len(told) == 1


def test_a_library_that_debian_does_not_have_is_said_to_be_nobodys(own_cache: Path) -> None:
    told: list[str] = []
    missing = (Missing("libnowhere.so.9", ("opt/a.so",)), Missing("libjpeg.so.62", ("opt/a.so",)))
    found = Findings((), missing, BOOKWORM)

    packages_of(LIBRARIES, "bookworm", "amd64", told.append)
    for _again in range(2):
        nobodys, known = with_packages(found, "linux/amd64", told.append)
        assert "; no package of Debian bookworm (main) has it, so it may " in nobodys
        assert known.endswith("; it is in Debian's package libjpeg62-turbo")
    # Found missing in an index of this hour; an older one is asked for anew.
    before = len(told)
    make_old(own_cache)
    list(with_packages(found, "linux/amd64", told.append))
    assert len(told) == before + 1


def test_what_is_known_is_known_without_an_archive(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages_of(LIBRARIES, "bookworm", "amd64", print)
    make_old(own_cache)
    monkeypatch.setenv("PATH", "/nonexistent")

    assert packages_of(["libnowhere.so.9", *LIBRARIES], "bookworm", "amd64", print) == LIBRARIES


def test_a_network_that_does_not_answer_is_asked_once(
    empty_cache: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    told: list[str] = []
    found = Findings((), (Missing("libjpeg.so.62", ("opt/a.so",)),), BOOKWORM)

    for _again in range(2):
        (said,) = with_packages(found, "linux/amd64", told.append)
        assert said.endswith("; Debian's package is usually named libjpeg62")
    assert [line.split(":")[0] for line in told[1:]] == 2 * [
        "packages of missing libraries are named by the usual rule, not looked up"
    ]


def test_a_broken_index_is_fetched_again(own_cache: Path) -> None:
    packages_of(LIBRARIES, "bookworm", "amd64", print)
    (index,) = own_cache.glob("apt/bookworm-files-amd64/lists/*.gz")
    index.write_bytes(index.read_bytes()[:1_000_000])
    (kept,) = own_cache.glob("contents/bookworm-amd64.*.json")
    kept.unlink()
    make_old(own_cache)
    with pytest.raises(EngineError, match="cannot be read"):
        packages_of(LIBRARIES, "bookworm", "amd64", print)
    make_old(own_cache)

    assert packages_of(LIBRARIES, "bookworm", "amd64", print) == LIBRARIES


@pytest.mark.parametrize(
    ("suite", "architecture", "cause"),
    [
        ("nowhere", "amd64", "apt: "),
        ("bookworm", "vax", "the archive has no list of files of Debian bookworm for vax"),
    ],
)
def test_what_the_archive_does_not_have_is_an_error(
    empty_cache: None, suite: str, architecture: str, cause: str
) -> None:
    with pytest.raises(EngineError, match=cause):
        packages_of(["libpq.so.5"], suite, architecture, print)
