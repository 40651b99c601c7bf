"""Which Debian package has a library: lines of the archive's index, and the rule of names."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.cache_entries import write_cached
from nox_buildkit.debian.library_index import packages_of, read_contents
from nox_buildkit.debian.releases import debian_suite
from nox_buildkit.errors import EngineError
from nox_buildkit.verify.libraries import Findings, Missing
from nox_buildkit.verify.library_packages import with_packages


def test_a_line_names_a_file_and_its_packages() -> None:
    lines = [
        b"usr/lib/x86_64-linux-gnu/libpq.so.5                     libs/libpq5\n",
        b"usr/lib/x86_64-linux-gnu/libpq.so.5.17                  libs/libpq5\n",
        b"usr/lib/x86_64-linux-gnu/libpq.so\tlibdevel/libpq-dev\n",
        b"usr/share/doc/libpq.so.6/copyright libs/libpq6\n",
        b"usr/lib/python3/dist-packages/a name.so.txt  contrib/python/python3-name\n",
    ]

    assert read_contents(lines, "amd64") == {
        "libpq.so.5": "libpq5",
        "libpq.so.5.17": "libpq5",
        "libpq.so": "libpq-dev",
    }


@pytest.mark.parametrize(
    ("lines", "package"),
    [
        # Where the linker looks comes first, though another name is shorter.
        (
            [
                b"usr/lib/x86_64-linux-gnu/primus/libGL.so.1 utils/pri\n",
                b"usr/lib/x86_64-linux-gnu/libGL.so.1 libs/libgl1\n",
            ],
            "libgl1",
        ),
        # Before /usr was merged (Debian 11).
        (
            [
                b"lib/x86_64-linux-gnu/libGL.so.1 libs/libgl1\n",
                b"usr/lib/x86_64-linux-gnu/mesa/libGL.so.1 libs/gl\n",
            ],
            "libgl1",
        ),
        # The shortest name; an area may precede the section, which may be absent.
        ([b"usr/lib/libGL.so.1 non-free/libs/nvidia-gl,libs/libgl1,libgl1-old\n"], "libgl1"),
        # Another machine's, and what only lies below a folder of that name.
        (
            [
                b"usr/lib/arm-linux-gnueabihf/libGL.so.1 libs/gl\n",
                b"usr/lib32/libGL.so.1 libs/g\n",
                b"usr/aarch64-linux-gnu/lib/libGL.so.1 libs/g\n",
                b"usr/lib/x86_64-linux-gnu/libGL.so.1 libs/libgl1\n",
            ],
            "libgl1",
        ),
        # Alternatives are linked to where the linker looks when the package is installed.
        ([b"usr/lib/x86_64-linux-gnu/mesa/libGL.so.1 libs/mesa\n"], "mesa"),
    ],
)
def test_of_several_packages_the_likeliest_is_taken(lines: list[bytes], package: str) -> None:
    for order in (lines, lines[::-1]):
        assert read_contents(order, "amd64") == {"libGL.so.1": package}


def test_only_releases_of_debian_have_a_suite() -> None:
    assert debian_suite(("debian", "12")) == "bookworm"
    assert debian_suite(("debian", "13")) == "trixie"
    assert not debian_suite(("debian", ""))
    assert not debian_suite(("ubuntu", "13"))


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libpq.so.5", "libpq5"),
        ("libyaml-0.so.2", "libyaml-0-2"),
        ("libpython3.13.so.1.0", "libpython3.13"),
        ("libGL.so.1", "libgl1"),
    ],
)
def test_without_an_archive_a_package_has_its_usual_name(
    library: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path))
    # No apt-get.
    monkeypatch.setenv("PATH", str(tmp_path))
    told: list[str] = []

    for distribution in (("alpine", "3.22"), ("debian", "13")):
        found = Findings((), (Missing(library, ("opt/a.so", "opt/b.so")),), distribution)
        (said,) = with_packages(found, "linux/amd64", told.append)
        assert said == (
            f"{library} is not in the image, and /opt/a.so and 1 more need it; "
            f"Debian's package is usually named {package}"
        )
    # Alpine's libraries are in no list of Debian's.
    (line,) = told
    assert line.startswith("packages of missing libraries are named by the usual rule, not looked")


def test_a_list_of_files_that_was_cut_or_altered_gives_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path))
    # No apt-get, to make it anew.
    monkeypatch.setenv("PATH", str(tmp_path))
    kept = tmp_path / "contents/trixie-amd64.2.json"
    for old, new in ((b"", b""), (b"libpq5", b"libpq6"), (b', "libz.so.1": "zlib1g"', b"")):
        write_cached(kept, {"libpq.so.5": "libpq5", "libz.so.1": "zlib1g"})
        kept.write_bytes(kept.read_bytes().replace(old, new))
        if not old:
            assert packages_of(["libpq.so.5"], "trixie", "amd64", print) == {"libpq.so.5": "libpq5"}
            continue
        with pytest.raises(EngineError):
            packages_of(["libpq.so.5"], "trixie", "amd64", print)
        assert f"{kept} was damaged" in capsys.readouterr().err


def test_a_file_without_a_version_has_no_usual_name() -> None:
    found = Findings((), (Missing("libtorch.so", ("opt/a.so",)),), ("", ""))

    (said,) = with_packages(found, "linux/amd64", print)

    assert said == "libtorch.so is not in the image, and /opt/a.so needs it"
