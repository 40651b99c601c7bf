"""Packages that have wheels for other machines or interpreters alone, and that no image needs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from nox_buildkit.errors import LockError
from nox_buildkit.lock.compile import compile_lock
from nox_buildkit.lock.pylock import read_pylock
from nox_buildkit.lock.pylock_cache import ask_together
from nox_buildkit.lock.source import Source
from tests.support.package_index import PackageIndex, serve


def _line(index: PackageIndex, name: str, marker: str = "") -> str:
    (digest,) = (d for file, d in index.stated.items() if file.startswith(f"{name}-"))
    return f"{name}==1.0{f' ; {marker}' if marker else ''} --hash=sha256:{digest}\n"


@pytest.mark.parametrize(
    ("tag", "marker"),
    [
        ("cp313-cp313-win_amd64", "sys_platform == 'win32'"),
        ("cp313-cp313-win_amd64", "platform_system == 'Windows'"),
        ("cp27-cp27m-manylinux1_x86_64", "python_version < '3'"),
        ("cp312-cp312-manylinux_2_17_x86_64", "python_version < '3.13'"),
        ("cp313-cp313-manylinux_2_36_loongarch64", "platform_machine == 'loongarch64'"),
        ("pp310-pypy310_pp73-manylinux_2_17_x86_64", "implementation_name == 'pypy'"),
        (
            "pp310-pypy310_pp73-manylinux_2_17_x86_64",
            "platform_python_implementation == 'PyPy' and sys_platform == 'linux'",
        ),
    ],
)
def test_a_locked_package_that_no_image_needs_stops_nothing(
    tmp_path: Path, tag: str, marker: str
) -> None:
    with serve() as index:
        index.add("plain", "1.0")
        index.add("foreign", "1.0", tag)
        lock = tmp_path / "requirements.txt"
        lock.write_text(_line(index, "plain") + _line(index, "foreign", marker))
        source = Source(lock, lock, "locked", "3.13", index=index.url)
        assert "plain" in {package.name for package in read_pylock(source).packages}


def test_several_locks_are_asked_about_together_and_what_fails_is_told_of_its_lock(
    tmp_path: Path,
) -> None:
    said: list[str] = []
    with serve() as index:
        index.add("plain", "1.0")
        index.add("other", "1.0")
        locks = {name: tmp_path / f"{name}.txt" for name in ("plain", "other", "missing")}
        for name, lock in locks.items():
            lock.write_text(
                _line(index, name) if name != "missing" else f"missing==1.0 --hash=sha256:{0:064}\n"
            )
        sources = {
            name: Source(lock, lock, "locked", "3.13", index=index.url)
            for name, lock in locks.items()
        }
        ask_together(sources.values(), said.append)
        with pytest.raises(LockError):
            read_pylock(sources["missing"])
    assert said == ["asking the index for the files of 3 locks"]
    # Without the index: what is known is not asked for again.
    for name in ("plain", "other"):
        assert [package.name for package in read_pylock(sources[name]).packages] == [name]
    ask_together([sources["plain"], sources["other"]], said.append)
    assert len(said) == 1


@pytest.mark.parametrize(
    ("options", "build", "kinds"),
    [
        ("", None, {"wheels", "sdist"}),
        ("--no-binary gear\n", None, {"sdist"}),
        ("--no-binary=:all:\n", None, {"sdist"}),
        ("--only-binary gear\n", None, {"wheels"}),
        ("", "never", {"wheels", "sdist"}),
    ],
)
def test_what_is_never_or_only_taken_as_a_wheel(
    tmp_path: Path, options: str, build: Literal["never"] | None, kinds: set[str]
) -> None:
    with serve() as index:
        index.add("gear", "1.0")
        index.add_pure_sdist("gear", "1.0")
        stated = tmp_path / "requirements.in"
        stated.write_text(f"{options}gear\n")
        output = tmp_path / "requirements.lock"
        source = Source(stated, output, "requirements", "3.13", index=index.url, build=build)
        compile_lock(source)
        (package,) = read_pylock(source).packages
    assert {kind for kind in ("wheels", "sdist") if getattr(package, kind)} == kinds
