"""The cache folder: whose it is, who can enter it, and how large it is."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.doctor.finding import Finding, Verdict
from nox_buildkit.errors import EngineError
from nox_buildkit.files import cache_place
from nox_buildkit.report.figures import size
from nox_buildkit.run import run

_CHECK = "cache"
#: A large cache on a slow disk is not counted to its end.
_COUNT_SECONDS = 15
_ELSEWHERE = "name another folder in NOX_BUILDKIT_CACHE"


@dataclass(frozen=True, slots=True)
class CacheFolder:
    """The folder ``path`` as user ``uid`` finds it; ``obstacle``: what is in its way instead.

    ``programs``: whether its file system lets programs run.
    """

    path: Path
    uid: int
    there: bool = True
    obstacle: str = ""
    owner: int = 0
    mode: int = 0o700
    writable: bool = True
    programs: bool = True


def read_cache_folder() -> CacheFolder:
    """Look at the cache folder, and make nothing."""
    path, uid = cache_place(), os.geteuid()
    try:
        found = path.stat()
    except FileNotFoundError:
        above = next(parent for parent in path.parents if parent.exists())
        obstacle = "" if above.is_dir() else f"{above} is not a folder"
        writable = os.access(above, os.W_OK | os.X_OK)
        return CacheFolder(path, uid, False, obstacle, uid, writable=writable)
    except OSError as error:
        return CacheFolder(path, uid, False, f"{path}: {error.strerror}", uid)
    if not stat.S_ISDIR(found.st_mode):
        return CacheFolder(path, uid, False, f"{path} is not a folder", uid)
    return CacheFolder(
        path,
        uid,
        owner=found.st_uid,
        mode=stat.S_IMODE(found.st_mode),
        writable=os.access(path, os.W_OK | os.X_OK),
        programs=not os.statvfs(path).f_flag & os.ST_NOEXEC,
    )


def look_at_cache(folder: CacheFolder) -> Iterator[Finding]:
    """Yield what is wrong with the cache folder, or its size."""
    wrong = list(judge_cache(folder))
    yield from wrong
    if not wrong:
        yield _size(folder)


def judge_cache(folder: CacheFolder) -> Iterator[Finding]:
    """Yield what is wrong with the cache folder."""
    path, quoted = folder.path, shlex.quote(str(folder.path))
    if folder.obstacle:
        yield Finding(_CHECK, "problem", folder.obstacle, f"move it away, or {_ELSEWHERE}")
        return
    if folder.owner != folder.uid:
        message = f"{path} belongs to user {folder.owner}, and this is user {folder.uid}"
        fix = f"run `sudo chown -R {folder.uid} {quoted}`, or {_ELSEWHERE}"
        yield Finding(_CHECK, "problem", message, fix)
    elif not folder.writable:
        what = "cannot be written" if folder.there else "cannot be made"
        fix = f"run `chmod u+rwx {quoted}`, mount it writable, or {_ELSEWHERE}"
        yield Finding(_CHECK, "problem", f"{path} {what}", fix)
    if folder.there and folder.mode & 0o077:
        others_write = bool(folder.mode & 0o022)
        what = "change what builds trust" if others_write else "read it"
        message = f"{path} has mode {folder.mode:04o}: other users can {what}"
        verdict: Verdict = "problem" if others_write else "warning"
        yield Finding(_CHECK, verdict, message, f"run `chmod 700 {quoted}`")
    if not folder.programs:
        message = f"the file system of {path} is mounted noexec: the private engine cannot run"
        yield Finding(_CHECK, "warning", message, f"mount it with exec, or {_ELSEWHERE}")


def _size(folder: CacheFolder) -> Finding:
    facts: dict[str, object] = {"folder": str(folder.path)}
    if not folder.there:
        message = f"{folder.path} is made by the first build"
        return Finding(_CHECK, "ok", message, facts={**facts, "size": 0})
    command: list[str | Path] = [
        "du",
        "--summarize",
        "--one-file-system",
        "--block-size=1",
        folder.path,
    ]
    said = f"{folder.path}, mode 0700, writable"
    try:
        # Files come and go while a build runs, and du says so.
        counted = int(run(command, seconds=_COUNT_SECONDS).stdout.split()[0])
    except (EngineError, LookupError, ValueError):
        return Finding(_CHECK, "ok", f"{said}, not counted", facts={**facts, "size": None})
    return Finding(_CHECK, "ok", f"{said}, {size(counted)}", facts={**facts, "size": counted})
