"""Check that folders can be removed wholly, before the first file is removed."""

from __future__ import annotations

import fcntl
import os
import pwd
import shlex
from collections.abc import Sequence
from pathlib import Path

from nox_buildkit.errors import Code, EngineError
from nox_buildkit.mounts import mounts_below


def require_idle(projects: Path) -> None:
    """Raise EngineError if a build runs: each holds a lock in its folder below ``projects``."""
    for lock in sorted(projects.glob("*/.lock")):
        with lock.open("rb") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"a build is running, of the project in {_project(lock.parent)}"
                raise EngineError(
                    Code.PRIVATE_ENGINE(message, "wait for its end, or stop it")
                ) from None


def _project(folder: Path) -> str:
    stated = folder / "project"
    return os.fsdecode(stated.read_bytes()) if stated.exists() else str(folder)


def require_removable(folders: Sequence[Path]) -> None:
    """Raise EngineError if one of ``folders`` belongs to another user, or has mounts below it."""
    for folder in filter(os.path.lexists, folders):
        owner = folder.lstat().st_uid
        if os.geteuid() not in (0, owner):
            message = f"{folder} belongs to {_name(owner)}"
            raise EngineError(Code.FOLDER(message, f"run this as {_name(owner)}"))
        if mounted := mounts_below(folder):
            message = f"{mounted[0]} is mounted, so nothing was removed"
            raise EngineError(
                Code.FOLDER(message, f"run `umount {shlex.quote(str(mounted[0]))}`, and try again")
            )


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"the user {user}"
