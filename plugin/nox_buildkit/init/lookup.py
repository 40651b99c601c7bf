"""Files by names that others wrote, which may be none that a file system takes."""

from __future__ import annotations

from pathlib import Path


def is_file(path: Path) -> bool:
    """Tell whether ``path`` is a file."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Tell whether ``path`` is a folder."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
