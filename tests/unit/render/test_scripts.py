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

SCRIPTS = Path(render.__file__).parent / "scripts"
NAMES = (
    "become.py",
    "environment.py",
    "interpolate.py",
    "layer.py",
    "machine_code.py",
    "prestart.py",
    "surroundings.py",
    "wheels.py",
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
