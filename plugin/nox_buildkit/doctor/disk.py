"""Free space where a build writes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.doctor.finding import Finding
from nox_buildkit.report.figures import size

#: Bases, packages and images of one small project take a part of the first; the second is what a
#: few of them take together.
LEAST, COMFORTABLE = 10**9, 5 * 10**9
_CHECK = "disk"


@dataclass(frozen=True, slots=True)
class Space:
    """The file system of ``folder``; ``files``: how many more it takes, None if it has no limit."""

    folder: Path
    free: int
    files: int | None = None


def look_at_disks(folders: Iterable[Path], but: Iterable[Path] = ()) -> Iterator[Finding]:
    """Yield an answer for each file system that one of ``folders`` is on, or is going to be on.

    ``but``: folders on file systems that others look at.
    """
    seen = {_existing(folder).stat().st_dev for folder in but}
    for folder in folders:
        there = _existing(folder)
        if (device := there.stat().st_dev) not in seen:
            seen.add(device)
            found = os.statvfs(there)
            files = found.f_favail if found.f_files else None
            yield judge_space(Space(folder, found.f_bavail * found.f_frsize, files))


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def judge_space(space: Space) -> Finding:
    """Return the verdict on a file system."""
    facts = {"folder": str(space.folder), "free": space.free}
    fix = (
        f"make room: `du -xh --max-depth=2 {space.folder} | sort -h | tail` shows what takes it, "
        "and `nox -s engine -- remove` drops the private engine with its caches"
    )
    if space.files == 0:
        message = f"the file system of {space.folder} takes no more files: its inodes are used up"
        return Finding(_CHECK, "problem", message, fix, facts)
    message = f"{size(space.free)} free for {space.folder}"
    if space.free < LEAST:
        return Finding(_CHECK, "problem", f"{message}: too little for a build", fix, facts)
    if space.free < COMFORTABLE:
        return Finding(_CHECK, "warning", f"{message}: little for several images", fix, facts)
    return Finding(_CHECK, "ok", message, facts=facts)
