"""Wheels whose machine code must not be used, looked into with the compiler of this machine."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from nox_buildkit import render
from nox_buildkit.oci.platform import PLATFORMS, host_platform

SCRIPT = Path(render.__file__).parent / "scripts" / "machine_code.py"
HERE = PLATFORMS[host_platform()]
TAG = f"linux_{HERE.machine}"
SUFFIX = f"cpython-313-{HERE.triple}.so"
FOREIGN = next(row for row in PLATFORMS.values() if row.oci != HERE.oci)


def _reason(wheel: Path) -> str:
    command = [sys.executable, str(SCRIPT), str(wheel), HERE.triple, HERE.machine]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == bool(done.stderr)
    return done.stderr.strip()


def _wheel(folder: Path, tag: str, files: dict[str, bytes]) -> Path:
    path = folder / f"demo-1.0-cp313-cp313-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
    return path


def _library(folder: Path, source: str, *options: str) -> bytes:
    (folder / "a.c").write_text(source)
    command = [f"{HERE.triple}-gcc", "-shared", "-fPIC", "a.c", "-o", "a.so", *options]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / "a.so").read_bytes()


def test_a_wheel_for_the_target_has_no_fault(tmp_path: Path) -> None:
    (tmp_path / "libown.so").write_bytes(_library(tmp_path, "int f(void) { return 1; }"))
    own = (tmp_path / "libown.so").read_bytes()
    source = "int f(void); int g(void) { return f(); }"
    code = _library(tmp_path, source, "-L.", "-lown", "-lm")
    files = {f"demo.{SUFFIX}": code, "demo.libs/libown.so": own, "demo.py": b""}
    assert _reason(_wheel(tmp_path, TAG, files)) == ""


def test_a_library_that_is_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "libgone.so").write_bytes(_library(tmp_path, "int f(void) { return 1; }"))
    code = _library(tmp_path, "int f(void); int g(void) { return f(); }", "-L.", "-lgone")
    found = _reason(_wheel(tmp_path, TAG, {f"demo.{SUFFIX}": code}))
    expected = "in its wheel needs libgone.so, which is not here for the target"
    assert found == f"demo.{SUFFIX} {expected}"


@pytest.mark.parametrize(
    ("tag", "name", "content", "reason"),
    [
        (f"linux_{FOREIGN.machine}", "a.so", HERE.elf.header(), "its wheel is for linux_"),
        (TAG, "a.so", FOREIGN.elf.header(), "a.so in its wheel is for another processor"),
        (
            TAG,
            f"a.cpython-313-{FOREIGN.triple}.so",
            HERE.elf.header(),
            f"a.cpython-313-{FOREIGN.triple}.so in its wheel is for another processor",
        ),
        (TAG, "a.py", b"", "there is no machine code in its wheel"),
        ("any", "a.py", b"", "there is no machine code in its wheel"),
    ],
)
def test_what_is_for_another_machine_is_named(
    tmp_path: Path, tag: str, name: str, content: bytes, reason: str
) -> None:
    assert reason in _reason(_wheel(tmp_path, tag, {name: content}))
