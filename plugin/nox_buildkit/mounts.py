"""Mounts in the project's own folders. Linux: proc(5), mountinfo; elsewhere none is known."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")


def mounts_below(*folders: Path) -> list[Path]:
    """Mount points at or below ``folders`` (real paths), the deepest first."""
    if not _MOUNTS.exists():
        return []
    lines = _MOUNTS.read_text(errors="surrogateescape").splitlines()
    points = (unescaped(line.split()[4]) for line in lines)
    found = [p for p in points if any(is_below(p, folder) for folder in folders)]
    return [Path(point) for point in reversed(found)]


def unescaped(field: str) -> str:
    """Return a field of mountinfo as it is: spaces and some more characters are escaped in it."""
    return _ESCAPED.sub(lambda m: chr(int(m[1], 8)), field)


def unmount(*folders: Path, seconds: float = 5) -> list[Path]:
    """Unmount everything at or below ``folders``; return what stays mounted."""
    deadline = time.monotonic() + seconds
    while (points := mounts_below(*folders)) and time.monotonic() < deadline:
        for point in points:
            # What is below a shared mount would go from the place that it was bound from as well.
            for command in (["mount", "--make-private"], ["umount"]):
                subprocess.run([*command, str(point)], capture_output=True, check=False)
        if mounts_below(*folders):
            time.sleep(0.1)
    return mounts_below(*folders)


def is_below(path: str, folder: Path) -> bool:
    """Tell whether ``path`` is, or lies below, ``folder``."""
    return path == str(folder) or path.startswith(f"{folder}/")
