"""Look after a virtual environment that is about to become a layer.

Runs inside the build with nothing but Python:

    python3 environment.py made VENV         remember what is in it before packages are
    python3 environment.py damaged VENV REQUIREMENTS
                                             print the packages that are not as they should be
    python3 environment.py strip VENV [all]  remove what was there before packages were

What is installed is compared with the requirements, and its files with RECORD: a cache may have
lost a part of a file, or another package in its place. A file belongs to a package if the package's
RECORD names it (packaging.python.org, Recording installed projects).
"""

import base64
import csv
import hashlib
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


def records(venv: Path) -> Iterator[tuple[str, Path, list[list[str]]]]:
    """The packages: name, folder that paths are relative to, and rows of RECORD."""
    for path in sorted(venv.glob("lib/python*/site-packages/*.dist-info/RECORD")):
        with path.open(newline="", encoding="utf-8") as stream:
            rows = [row for row in csv.reader(stream) if row]
        yield path.parent.name.partition("-")[0], path.parent.parent, rows


def made(venv: Path) -> None:
    """Remember what is in the environment."""
    Path(MADE.format(venv)).write_text(json.dumps(list(files(venv))), encoding="utf-8")


def damaged(venv: Path, requirements: str) -> None:
    """Print the packages, one a line, that differ from the requirements or from their RECORD."""
    for name, why in unlike(venv, Path(requirements)):
        print(f"nox-buildkit: {name} is installed again: {why}", file=sys.stderr)
        print(name)
    for name, folder, rows in records(venv):
        differing = [row[0] for row in rows if differs(folder, row)]
        if not any(row[0].endswith(".dist-info/RECORD") for row in rows) and unrecorded(venv):
            # What was lost is a part of the RECORD.
            differing.append("RECORD")
        if differing:
            message = (
                f"nox-buildkit: {name} is installed again: {differing[0]} was not as RECORD says"
            )
            print(message, file=sys.stderr)
            print(name)


def unlike(venv: Path, requirements: Path) -> Iterator["tuple[str, str]"]:
    """Packages that are missing, in another version, or installed for no requirement; and why."""
    wanted = {}
    for line in requirements.read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition(" ")[0].partition("==")
        wanted[normal(name)] = version
    found = {}
    for path in sorted(venv.glob("lib/python*/site-packages/*.dist-info")):
        name, _, version = path.stem.rpartition("-")
        found[normal(name)] = version
    for name in sorted({*wanted, *found}):
        if name not in found:
            yield name, "it was missing"
        elif name not in wanted:
            yield name, "it is not among the requirements"
        elif wanted[name] and numbers(found[name]) != numbers(wanted[name]):
            yield name, f"it was {found[name]}, and has to be {wanted[name]}"


def normal(name: str) -> str:
    """The name of a package as it is compared (PEP 503)."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).lower()


def numbers(version: str) -> "list[int]":
    """The numbers of a version: the rest, and zeros at the end, may be spelt in several ways."""
    found = [int(number) for number in re.findall(r"[0-9]+", version)]
    while found and not found[-1]:
        found.pop()
    return found


def unrecorded(venv: Path) -> bool:
    """Tell whether there are files of packages that no RECORD has."""
    known = set(json.loads(Path(MADE.format(venv)).read_text(encoding="utf-8")))
    known |= {str(Path(path).relative_to(venv)) for path in recorded(venv)}
    return any(name not in known and not name.endswith((".pyc", LOCK)) for name in files(venv))


def recorded(venv: Path) -> "set[str]":
    """Paths of all files that a RECORD has."""
    return {os.path.normpath(folder / row[0]) for _, folder, rows in records(venv) for row in rows}


def differs(folder: Path, row: list[str]) -> bool:
    """Tell whether a file is missing or has other content; without a hash, presence is enough."""
    path = folder / row[0]
    algorithm, _, expected = (row[1] if len(row) > 1 else "").partition("=")
    if not path.exists():
        return not row[0].endswith(".pyc")
    if algorithm != "sha256":
        return False
    digest = hash_of(path)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != expected.rstrip("=")


def hash_of(path: Path) -> bytes:
    """SHA-256 of a file, which may be larger than the memory."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(2**20):
            digest.update(block)
    return digest.digest()


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
        "damaged": damaged,
        "strip": strip,
    }
    commands[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
