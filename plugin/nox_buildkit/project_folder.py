"""Folders of the cache that belong to one project, and the lock on its builds."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from nox_buildkit.files import (
    cache_dir,
    locked,
    private_dir,
    real_path,
    remove,
    sweep_parts,
    write_atomic,
)

#: File of a folder that names the project which it is kept for.
_ROOT = "project"


@contextlib.contextmanager
def exclusively(buildspec: Path) -> Iterator[None]:
    """Let no other build of the project of ``buildspec`` run in the block.

    From before its files are read until the record of the result is written: a build that waits
    plans with the files of then.
    """
    root = buildspec.resolve().parent
    with locked(kept_for(root) / ".lock", _tell_waiting):
        sweep_parts(root)
        yield


def _tell_waiting() -> None:
    print("waiting for another build of this project", file=sys.stderr, flush=True)


def kept_for(root: Path, key: str = "") -> Path:
    """The folder of the cache that keeps what belongs to the project ``root``, and to ``key``."""
    digest = hashlib.sha256(json.dumps([str(root), key]).encode()).hexdigest()[:12]
    # Commas and quotes have a meaning in buildx's options.
    name = re.sub(r"[^A-Za-z0-9._-]", "-", root.name)
    # Paths in a definition are relative, and a link on the way would lead them elsewhere.
    folder = real_path(private_dir(cache_dir() / "projects" / f"{name}-{digest}"))
    if not (folder / _ROOT).exists():
        write_atomic(folder / _ROOT, os.fsencode(root))
    return folder


def forget_projects() -> None:
    """Remove what was kept for projects that are there no more."""
    for stated in (cache_dir() / "projects").glob(f"*/{_ROOT}"):
        # Another build may do the same, and has as much right to what is gone.
        with contextlib.suppress(OSError):
            if not Path(os.fsdecode(stated.read_bytes())).is_dir():
                remove(stated.parent)
