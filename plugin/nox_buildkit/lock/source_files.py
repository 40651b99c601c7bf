"""Files of a set of requirements, and how they are locked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from nox_buildkit.buildspec.model.requirement_set import Requirements
from nox_buildkit.errors import Code, Location, LockError
from nox_buildkit.files import real_path
from nox_buildkit.lock.indexes import stated_places
from nox_buildkit.lock.source import LOCK_COMMANDS, Source, kind_of
from nox_buildkit.lock.workspace import named_folders, named_indexes

_T = TypeVar("_T")


def read_all(
    named: Requirements,
    output: Path,
    python: str,
    root: Path,
    locate: Callable[..., Location | None],
) -> Source:
    """Read how the files of a set are locked. Raises LockError for one that others cannot join."""
    paths = [real_path(root / source) for source in named.source]
    if len(paths) == 1:
        return read_one(paths[0], output, python, locate(0))
    first, *others = [
        read_one(path, output, python, locate(position)) for position, path in enumerate(paths)
    ]
    index = first.index
    for position, each in enumerate((first, *others)):
        if each.kind == "locked":
            message = f"{each.path.name} is a finished lock, and nothing is resolved with it"
            hint = "name the files that it was made of, or make a set of its own of it"
            raise LockError(Code.REQUIREMENTS_KEY(message, hint, locate(position)))
        index = index or each.index
        if each.index not in (None, index):
            message = f"{each.path.name} names another index than a file before it"
            raise LockError(
                Code.REQUIREMENTS_KEY(message, "name one of them alone", locate(position))
            )
    return replace(
        first,
        more=tuple(paths[1:]),
        index=index,
        find_links=_each_once(source.find_links for source in (first, *others)),
        extra_indexes=_each_once(source.extra_indexes for source in (first, *others)),
        location=locate(),
    )


def _each_once(lists: Iterable[tuple[_T, ...]]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(item for each in lists for item in each))


def read_one(path: Path, output: Path, python: str, location: Location | None) -> Source:
    """Read from the file ``path`` itself how it is locked."""
    check_file(path, location)
    try:
        kind = kind_of(path)
    except LockError as error:
        raise error.located(location) from None
    index: str | None = None
    extra_indexes: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    if kind == "uv":
        (index, extra_indexes), folders = named_indexes(path), named_folders(path)
    elif kind in ("requirements", "locked"):
        stated = stated_places(path)
        index, extra_indexes, folders = stated.index, stated.extra_indexes, stated.folders
    return Source(
        path=path,
        output=path if kind == "locked" else output,
        kind=kind,
        python=python,
        find_links=folders,
        index=index,
        extra_indexes=extra_indexes,
        location=location,
    )


def check_file(path: Path, location: Location | None) -> None:
    """Refuse a file that is not there. Raises LockError."""
    if not path.is_file():
        what = "is not a file" if path.exists() else "no such file"
        command = LOCK_COMMANDS.get(path.name)
        hint = f"run '{command}', or correct its name" if command else "correct its name"
        raise LockError(Code.UNREADABLE_SOURCE(f"{path}: {what}", hint, location))
