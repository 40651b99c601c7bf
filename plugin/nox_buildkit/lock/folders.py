"""Folders of wheels and source distributions (uv: ``--find-links``), and what lies in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

_DISTRIBUTIONS = (".whl", ".tar.gz", ".zip")

#: A pin as uv writes it, its hashes on lines of their own.
_PIN = re.compile(
    r"^(?P<line>(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==(?P<version>[\w.+!-]+)(?: ;[^\n\\]*)?)"
    r"(?P<hashes>(?: *\\\n +--hash=\S+)*)$",
    re.MULTILINE,
)


def distributions(folder: Path) -> list[Path]:
    """The files of ``folder`` that a resolver looks at, in the order of their names."""
    found = (path for path in folder.iterdir() if path.name.endswith(_DISTRIBUTIONS))
    return sorted(path for path in found if path.is_file())


def contents(folder: Path) -> list[tuple[str, str]]:
    """Name and SHA-256 of every distribution in ``folder``."""
    return [(path.name, _digest(path, path.stat().st_mtime_ns)) for path in distributions(folder)]


def with_hashes(lock: str, folders: Iterable[Path]) -> str:
    """``lock`` with the hashes of all files in ``folders`` of the versions that it pins.

    uv states the hash of one file a version, and of none in what it exports.
    """
    found: dict[tuple[NormalizedName, Version], set[str]] = {}
    for folder in folders:
        for name, digest in contents(folder):
            if release := _release(name):
                found.setdefault(release, set()).add(f"--hash=sha256:{digest}")

    def complete(pin: re.Match[str]) -> str:
        more = found.get((canonicalize_name(pin["name"]), Version(pin["version"])), set())
        hashes = sorted({*pin["hashes"].replace("\\", " ").split(), *more})
        return " \\\n    ".join([pin["line"].rstrip(), *hashes]) if more else pin[0]

    return _PIN.sub(complete, lock)


def _release(filename: str) -> tuple[NormalizedName, Version] | None:
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[:2]
        return parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None


@lru_cache(maxsize=1024)
def _digest(path: Path, _modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
