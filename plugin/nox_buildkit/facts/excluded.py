"""Paths of a context that stay out unless they are named."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from nox_buildkit.files import real_path


class Excluded:
    """Paths that stay out unless they are named: what builds the image, and what it writes."""

    def __init__(self, folder: Path, paths: Collection[Path]) -> None:
        self.folder = folder
        # A path may lead through links, and be one.
        self.paths = {each for path in paths for each in _both(path) if folder in each.parents}
        self.identities = {identity for path in paths if (identity := _identity(path))}
        self.names = {path.relative_to(folder).as_posix() for path in self.paths}
        self._folders: dict[str, bool] = {"": False}

    def holds(self, path: str, *, is_link: bool = False) -> bool:
        """Tell whether ``path`` is excluded, or below what is."""
        if path in self.names or self._holds_folder(path.rpartition("/")[0]):
            return True
        return is_link and self._is_other_name(path)

    def _holds_folder(self, path: str) -> bool:
        if path not in self._folders:
            self._folders[path] = (
                path in self.names
                or self._holds_folder(path.rpartition("/")[0])
                or self._is_other_name(path)
            )
        return self._folders[path]

    def _is_other_name(self, path: str) -> bool:
        """Tell whether ``path`` is a folder that is excluded by another path."""
        return bool(self.identities) and _identity(self.folder / path) in self.identities

    def to_be_made(self, files: Iterable[str]) -> Iterator[str]:
        """Those that are not there yet, or the topmost folder of theirs that is not."""
        topmost = (path for path in self.paths if self.paths.isdisjoint(path.parents))
        for path in topmost:
            missing = [
                each
                for each in (path, *path.parents)
                if self.folder in each.parents and not os.path.lexists(each)
            ]
            if missing and (name := missing[-1].relative_to(self.folder).as_posix()) not in files:
                yield name


def _both(path: Path) -> tuple[Path, Path]:
    return real_path(path.parent) / path.name, real_path(path)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return the identity of a folder, equal for all of its paths; hard links share theirs."""
    if not path.is_dir():
        return None
    status = path.stat()
    return status.st_dev, status.st_ino
