"""Pythons that are installed on this machine, and copies of them to enter with chroot."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

#: Where version managers keep them: pyenv, uv, and runners of GitHub.
_FOLDERS = (
    Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions"),
    Path.home() / ".local/share/uv/python",
    Path("/opt/hostedtoolcache/Python"),
)


def local_pythons(*versions: str) -> dict[str, Path]:
    """Those of ``versions`` (``3.12``) that this machine has, by version: the program."""
    found: dict[str, Path] = {}
    for version in versions:
        for program in _candidates(version):
            done = subprocess.run([program, "--version"], capture_output=True, check=False)
            if done.stdout.startswith(f"Python {version}.".encode()):
                found.setdefault(version, program.resolve())
    return found


def _candidates(version: str) -> Iterator[Path]:
    if on_path := shutil.which(f"python{version}"):
        yield Path(on_path)
    for folder in _FOLDERS:
        # GitHub has a folder for each architecture.
        for between in ("", "*/"):
            yield from sorted(folder.glob(f"*{version}.*/{between}bin/python{version}"))


def copy_python(program: Path, root: Path) -> None:
    """Copy ``program``, its standard library and what it is linked with below ``root``."""
    prefix = Path(
        subprocess.run(
            [program, "-I", "-c", "import sys; print(sys.base_prefix)"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    )
    library = prefix / "lib" / program.name
    ignored = shutil.ignore_patterns(
        "test", "tests", "site-packages", "__pycache__", "config-*", "idlelib", "tkinter"
    )
    shutil.copytree(library, _below(root, library), ignore=ignored)
    for file in (program, *(prefix / "lib").glob("libpython*.so*")):
        _copy(file, root)
    for linked in (program, *(library / "lib-dynload").glob("*.so")):
        done = subprocess.run(["ldd", linked], capture_output=True, text=True, check=False)
        for path in re.findall(r"(?:=> |^\s+)(/\S+)", done.stdout, re.MULTILINE):
            _copy(Path(path), root)
    (root / "usr/bin").mkdir(parents=True, exist_ok=True)
    (root / "usr/bin/python3").symlink_to(program)


def _copy(file: Path, root: Path) -> None:
    target = _below(root, file)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)


def _below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")
