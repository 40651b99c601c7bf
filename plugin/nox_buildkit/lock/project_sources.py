"""The sources of a project's wheel, and a copy of them to build in.

A build backend writes where it builds, and takes what it finds there: setuptools packs a module
that was deleted as long as ``build/lib`` has it. So nothing is built beside the sources, and what
an earlier build has left there is not copied.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from nox_buildkit.errors import Code, PlanError
from nox_buildkit.files import real_path
from nox_buildkit.output_files import is_output_file

#: Repositories (git's is given in another way), environments, caches, and secrets.
_NEVER = frozenset(
    (".git", ".hg", ".svn", ".nox", ".tox", ".mypy_cache", ".pytest_cache", ".ruff_cache",
     ".hypothesis", "__pycache__", ".DS_Store", ".env", ".netrc")
)  # fmt: skip

#: What setuptools leaves in ``build/`` (distutils: ``finalize_options`` of its build commands).
_BUILT = ("lib", "lib.*", "temp.*", "bdist.*", "scripts-*")

#: Hatchling obeys the nearest of these, also one in a folder above.
_IGNORE_FILES = (".gitignore", ".hgignore")

_Kind = Literal["file", "link", "folder"]


@dataclass(frozen=True, slots=True)
class _Entry:
    """``path``: below the project; ``place``: where the content is."""

    path: str
    kind: _Kind
    place: Path


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of the project in ``folder``, a path without links.

    ``above``: ignore files in the folders above it.
    """

    folder: Path
    entries: tuple[_Entry, ...]
    above: tuple[Path, ...]

    def digest(self, *, above: bool = True) -> str:
        """A digest of paths, contents and modes. Raises PlanError for what cannot be read."""
        try:
            listed = [[entry.path, entry.kind, _content(entry)] for entry in self.entries]
            listed += [[str(path), _sha256(path)] for path in self.above if above]
        except OSError as error:
            raise _unreadable(error) from None
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()

    def only(self, counts: Callable[[str], bool]) -> Sources:
        """Return those whose path, a folder's with a slash at its end, ``counts``."""
        return replace(self, entries=tuple(x for x in self.entries if counts(x.path)))

    def copy(self, top: Path) -> Path:
        """Copy everything below ``top``, to folders of the same names; return the project's.

        Raises PlanError for what cannot be read.
        """
        target = inside(top, self.folder)
        try:
            target.mkdir(parents=True)
            for entry in self.entries:
                _copy(entry, target / entry.path)
            for path in self.above:
                shutil.copyfile(path, inside(top, path))
        except OSError as error:
            raise _unreadable(error) from None
        return target


def read_sources(folder: Path, exclude: Collection[Path] = ()) -> Sources:
    """The sources of the project in ``folder``; ``exclude``: paths that it is not made of.

    Files that git ignores are among them, since backends have rules of their own for what goes in.
    Raises PlanError for what cannot be read.
    """
    folder = real_path(folder)
    try:
        entries = _entries(folder, frozenset(exclude), "", frozenset((folder,)))
        found = tuple(sorted(entries, key=lambda entry: entry.path))
    except OSError as error:
        raise _unreadable(error) from None
    above = (parent / name for parent in folder.parents for name in _IGNORE_FILES)
    return Sources(folder, found, tuple(path for path in above if path.is_file()))


def inside(top: Path, path: Path) -> Path:
    """The absolute ``path``, taken as one below ``top``."""
    return top / path.relative_to(path.anchor)


def _entries(
    folder: Path, exclude: frozenset[Path], at: str, entered: frozenset[Path]
) -> Iterator[_Entry]:
    """Yield the entries below ``folder / at``; ``entered``: the folders above, since links loop."""
    # The sources of a release say so, and their egg-info is a part of them.
    released = (folder / at / "PKG-INFO").is_file()
    for entry in os.scandir(folder / at):
        path, name = Path(entry.path), f"{at}{entry.name}"
        if path in exclude or _is_left_out(path, at, released=released):
            continue
        if entry.is_symlink() and _leads_the_same(path, folder):
            yield _Entry(name, "link", path)
        elif entry.is_file():
            yield _Entry(name, "file", path)
        elif entry.is_dir() and (real := real_path(path)) not in entered:
            yield _Entry(f"{name}/", "folder", path)
            yield from _entries(folder, exclude, f"{name}/", entered | {real})


def _is_left_out(path: Path, at: str, *, released: bool) -> bool:
    name = path.name
    if name in _NEVER or name.endswith((".pyc", ".pyo")) or is_output_file(str(path)):
        return True
    if name.endswith(".egg-info"):
        return not released
    if at.endswith("build/") and any(fnmatch(name, pattern) for pattern in _BUILT):
        beside = path.parent.parent
        return any((beside / manifest).is_file() for manifest in ("pyproject.toml", "setup.py"))
    # A virtual environment, whatever its name (PEP 405).
    return (path / "pyvenv.cfg").is_file()


def _leads_the_same(link: Path, folder: Path) -> bool:
    """Tell whether a copy of ``link`` leads to the same in a copy of ``folder``."""
    if not link.exists():
        return True
    stated = link.readlink()
    named = Path(os.path.normpath(link.parent / stated))
    inner = named.is_relative_to(folder) and real_path(named) == real_path(link)
    return inner and not stated.is_absolute()


def _content(entry: _Entry) -> str:
    if entry.kind == "folder":
        return ""
    if entry.kind == "link":
        return str(entry.place.readlink())
    return f"{'x' if os.access(entry.place, os.X_OK) else '-'}{_sha256(entry.place)}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(entry: _Entry, target: Path) -> None:
    if entry.kind == "folder":
        target.mkdir()
    elif entry.kind == "link":
        target.symlink_to(entry.place.readlink())
    else:
        shutil.copy2(entry.place, target)
        # A wheel has the modes of its files, and those here depend on somebody's umask.
        target.chmod(0o755 if os.access(entry.place, os.X_OK) else 0o644)


def _unreadable(error: OSError) -> PlanError:
    return PlanError(
        Code.UNREADABLE_SOURCE(f"{error.filename}: {error.strerror}", "make it readable")
    )
