"""Package places that a requirements file names itself: indexes, and folders of files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from nox_buildkit.buildspec.model.grammar import index_url
from nox_buildkit.buildspec.text import Invalid
from nox_buildkit.errors import Code, Location, LockError
from nox_buildkit.files import real_path
from nox_buildkit.lock.requirements_files import each_line, option_of

_OPTIONS = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links")


@dataclass(frozen=True, slots=True)
class Stated:
    """``index``: in place of the default one; ``extra_indexes``: besides it; ``folders``: of files.

    An index has no name here: it is a URL.
    """

    index: str | None = None
    extra_indexes: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()


def stated_places(path: Path) -> Stated:
    """Return the places that the requirements file ``path`` and its included files name.

    Raises LockError for what is no address of an index, and no folder.
    """
    default, extra, folders = None, [], []
    for option, value, location in _options(path):
        if option in ("-f", "--find-links"):
            folders.append(folder_at(value, location))
        elif option == "--extra-index-url":
            extra.append(index_at(value, location))
        else:
            default = index_at(value, location)
    return Stated(default, tuple(extra), tuple(folders))


def without_folders(text: str) -> str:
    """``text`` less the lines that name folders of files."""
    lines = text.splitlines()
    return "".join(f"{line}\n" for line in lines if not re.match(r"-f\b|--find-links\b", line))


def _options(path: Path) -> Iterator[tuple[str, str, Location]]:
    for line, where in each_line(path, constraints=False):
        option, value = option_of(line)
        if option in _OPTIONS:
            yield option, value, where


def index_at(value: str, location: Location) -> str:
    """The address of an index that stands at ``location``. Raises LockError."""
    try:
        return index_url(value)
    except Invalid as error:
        raise LockError(Code.INDEX(error.message, error.hint, location)) from None


def folder_at(value: str, location: Location) -> Path:
    """The folder of files that is named at ``location``. Raises LockError."""
    path = unquote(value.removeprefix("file://")) if value.startswith("file://") else value
    folder = real_path(Path(location.file).parent / path)
    if "://" in path:
        raise LockError(
            Code.INDEX(
                "only folders are looked into for files, and no pages",
                "name an index, or download the files into a folder",
                location,
            )
        )
    if not folder.is_dir():
        raise LockError(Code.INDEX(f"{folder}: no such folder", "correct its name", location))
    return folder
