"""The scripts of builds and the Pythons that no suite of Debian has, checked on any machine.

tests/engine/test_build_scripts.py runs the scripts under the others, and under these where the
machine has them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nox_buildkit import render
from nox_buildkit.render.scripts import cross

SCRIPTS = Path(render.__file__).parent / "scripts"
NAMES = (
    "become.py",
    "environment.py",
    "interpolate.py",
    "layer.py",
    "machine_code.py",
    "made_wheels.py",
    "make_wheel.py",
    "prestart.py",
    "surroundings.py",
)


def check(python: str, folder: Path, *scripts: Path) -> str:
    """What mypy has to say of grammar and library of ``scripts`` under a Python."""
    options = ["--no-incremental", "--config-file=", f"--cache-dir={folder}/cache"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, f"--python-version={python}", *scripts],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.stdout


def test_a_build_for_words_of_another_size_is_told_so() -> None:
    asked = (
        "import platform, struct; print(struct.calcsize('P'), struct.calcsize('hP'), "
        "sys.maxsize > 2**32, *platform.architecture(), platform.machine())"
    )
    startup = cross.STARTUP.format(triple="arm-linux-gnueabihf", machine="armv7l", pointer=4)
    done = subprocess.run(
        [sys.executable, "-I", "-c", startup + asked],
        env={"_PYTHON_SYSCONFIGDATA_NAME": "_sysconfigdata__arm-linux-gnueabihf"},
        capture_output=True,
        text=True,
        check=True,
    )
    # A structure is that of the machine itself.
    assert done.stdout == "4 16 False 32bit ELF armv7l\n"


@pytest.mark.parametrize("python", ["3.10", "3.12"])
def test_scripts_use_nothing_that_a_python_lacks(python: str, tmp_path: Path) -> None:
    # Where the package is installed, what lies beside it would be checked, too.
    scripts = [Path(shutil.copy(SCRIPTS / name, tmp_path)) for name in NAMES]
    assert check(python, tmp_path, *scripts).startswith("Success")


@pytest.mark.parametrize(
    ("python", "text"),
    [
        ("3.10", "import hashlib\nhashlib.file_digest\n"),
        ("3.10", "try:\n    pass\nexcept* OSError:\n    pass\n"),
        ("3.12", "import compression.zstd\n"),
        ("3.12", "import imp\n"),
    ],
)
def test_the_check_finds_what_a_python_lacks(python: str, text: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(text)
    assert "error:" in check(python, tmp_path, script)
