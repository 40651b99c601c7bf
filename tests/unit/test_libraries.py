"""What programs need, read from real ones: those of this machine."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from nox_buildkit.machine import host_platform
from nox_buildkit.plan.platforms import Libc
from nox_buildkit.verify.libraries import problems

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
    said = problems([layer], 1, host_platform(), OLD)

    assert [text for text in said if "needs glibc 2." in text and "has glibc 2.2" in text]
    assert not [text for text in problems([layer], 1, host_platform(), NEW) if "glibc" in text]


def test_a_program_for_another_machine_is_named(layer: Path) -> None:
    other = "linux/arm64" if host_platform() == "linux/amd64" else "linux/amd64"

    (said,) = problems([layer], 1, other, OLD)

    assert said.startswith("/usr/bin/ls is made for another machine (EM_")


def test_a_missing_library_comes_with_the_usual_name_of_its_package(layer: Path) -> None:
    said = problems([layer], 1, host_platform(), NEW)

    (text,) = [text for text in said if text.startswith("libc.so.6 ")]
    assert text == (
        "libc.so.6 is not in the image, and /usr/bin/ls needs it; "
        "Debian's package is usually named libc6"
    )
