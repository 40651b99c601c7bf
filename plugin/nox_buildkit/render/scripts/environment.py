"""Look after a virtual environment that is about to become a layer.

Runs inside the build with nothing but Python:

    python3 environment.py made VENV         remember what is in it before packages are
    python3 environment.py strip VENV [all]  remove what was there before packages were

A file belongs to a package if the package's RECORD names it (packaging.python.org, Recording
installed projects).
"""

import csv
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

#: Where the paths are kept in the meantime, beside the environment.
MADE = "{}.made.json"

#: What programs of packages start with, and what an application cannot do without.
KEPT = re.compile(r"bin/python[0-9.]*|pyvenv\.cfg|lib64")

#: uv locks an environment while it installs.
LOCK = ".lock"


def files(venv: Path) -> Iterator[str]:
    """Paths of all that is in the environment but folders, relative to it."""
    for path in sorted(venv.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield str(path.relative_to(venv))


def made(venv: Path) -> None:
    """Remember what is in the environment."""
    Path(MADE.format(venv)).write_text(json.dumps(list(files(venv))), encoding="utf-8")


def recorded(venv: Path) -> "set[str]":
    """Paths of all files that a RECORD has."""
    found = set()
    for path in venv.glob("lib/python*/site-packages/*.dist-info/RECORD"):
        with path.open(newline="", encoding="utf-8") as stream:
            names = [row[0] for row in csv.reader(stream) if row]
        # Relative to the folder of all packages.
        found |= {os.path.normpath(path.parent.parent / name) for name in names}
    return found


def strip(venv: Path, scope: str = "") -> None:
    """Remove what packages did not bring: what no image needs, and with "all" the rest too."""
    remembered = Path(MADE.format(venv))
    own = recorded(venv)
    for name in (*json.loads(remembered.read_text(encoding="utf-8")), LOCK):
        path = venv / name
        needed = KEPT.fullmatch(name) and scope != "all"
        if not needed and str(path) not in own and os.path.lexists(path):
            path.unlink()
    remembered.unlink()


if __name__ == "__main__":
    commands: "dict[str, Callable[..., None]]" = {
        "made": made,
        "strip": strip,
    }
    commands[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
