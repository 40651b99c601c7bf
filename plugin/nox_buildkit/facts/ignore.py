"""Files of a folder that go into an image, by .gitignore, .dockerignore and fixed rules.

The result is a list of literal paths. BuildKit gets exactly that list, and the names that never
belong, so there is one place that decides.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from nox_buildkit.errors import Code, Location, PlanError, Problem
from nox_buildkit.facts.dockerignore import DockerIgnore
from nox_buildkit.facts.links import resolved
from nox_buildkit.facts.worktree import Listing, list_files
from nox_buildkit.files import real_path
from nox_buildkit.plan.application import NEVER

_SCRIPT = "inputs/scripts/layer.py"

#: Where the entry of ``copy`` at an index was written.
Locate = Callable[[int], Location | None]


@dataclass(frozen=True, slots=True)
class Selection:
    """Paths of ``files`` that go in, and topmost paths that are ``ignored``, both sorted."""

    files: tuple[str, ...]
    ignored: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def select_files(
    folder: Path, copy: Sequence[str], exclude: Collection[Path], locate: Locate = lambda _: None
) -> Selection:
    """Choose among the files below ``folder``, an absolute path without links.

    ``copy``: paths below ``folder`` that are wanted (``.`` for all), written at ``locate``;
    ``exclude``: absolute paths that stay out. Raises PlanError with every entry of ``copy`` that
    there is nothing of.
    """
    chosen = _Chosen(folder, _Excluded(folder, exclude), list_files(folder) if copy else Listing())
    problems: list[Problem] = []
    for position, entry in enumerate(copy):
        try:
            chosen.take(entry)
        except PlanError as error:
            problems += error.located(locate(position)).problems
    if problems:
        raise PlanError(*problems)
    ignored = {*_topmost(folder, chosen.files), *chosen.excluded.to_be_made(chosen.files)}
    warnings = (*chosen.listing.warnings, *chosen.warnings)
    return Selection(tuple(sorted(chosen.files)), tuple(sorted(ignored)), warnings)


def every_file(folder: Path, *, exclude: Collection[Path]) -> list[str]:
    """Paths of all files below ``folder`` but ``exclude`` and what never belongs; ignored ones too.

    Sorted, relative, with forward slashes.
    """
    found = []
    for top, folders, names in os.walk(folder):
        here = Path(top)
        kept = [
            path
            for name in (*folders, *names)
            if (path := here / name) not in exclude
            and not never(path.relative_to(folder).as_posix())
        ]
        folders[:] = [path.name for path in kept if path.name in folders]
        found += [path.relative_to(folder).as_posix() for path in kept if not path.is_dir()]
    return sorted(found)


def never(path: str) -> bool:
    """Tell whether a part of ``path`` never belongs to an application, whatever rules say."""
    return any(fnmatchcase(part, name) for part in path.split("/") for name in NEVER)


def is_definition(folder: Path) -> bool:
    """Tell whether ``nox -s render`` wrote ``folder``."""
    return (folder / "docker-bake.json").is_file() and (folder / _SCRIPT).is_file()


class _Excluded:
    """Paths that stay out unless they are named: what builds the image, and what it writes."""

    def __init__(self, folder: Path, paths: Collection[Path]) -> None:
        self.folder = folder
        # A path may lead through links, and be one.
        self.paths = {each for path in paths for each in _both(path) if folder in each.parents}
        self.identities = {identity for path in paths if (identity := _identity(path))}
        self._known: dict[str, bool] = {"": False}

    def holds(self, path: str) -> bool:
        """Tell whether ``path`` is excluded, or below what is."""
        if path not in self._known:
            here = self.folder / path
            self._known[path] = (
                here in self.paths
                or self.holds(os.path.dirname(path))  # noqa: PTH120  a string, not a Path
                or (bool(self.identities) and _identity(here) in self.identities)
            )
        return self._known[path]

    def to_be_made(self, files: Iterable[str]) -> Iterator[str]:
        """Those that are not there yet."""
        for path in self.paths:
            name = path.relative_to(self.folder).as_posix()
            if not os.path.lexists(path) and name not in files:
                yield name


@dataclass
class _Chosen:
    folder: Path
    excluded: _Excluded
    listing: Listing
    files: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        docker = DockerIgnore.read(self.folder / ".dockerignore")
        belonging = [path for path in self.listing.paths if not never(path)]
        scripts = (path for path in belonging if path.endswith(f"/{_SCRIPT}"))
        tops = (path.removesuffix(_SCRIPT) for path in scripts)
        definitions = tuple(top for top in tops if is_definition(self.folder / top))
        self.kept = [
            path
            for path in belonging
            if not self.excluded.holds(path)
            and not path.startswith(definitions)
            and not docker.leaves_out(path)
        ]

    def take(self, entry: str) -> None:
        """Add what ``entry`` of ``copy`` means. Raises PlanError if that is nothing."""
        if entry == ".":
            self.files.update(map(utf8, self.kept))
            return
        links, path = resolved(self.folder, entry)
        if path == ".":
            raise PlanError(Code.CONTEXT(f"'{entry}' leads to the context itself", "write '.'"))
        found = [each for each in self.kept if each == path or each.startswith(f"{path}/")]
        self.files.update(map(utf8, [*links, *(found or self._named(entry, path))]))

    def _named(self, entry: str, path: str) -> list[str]:
        """Return the named paths of which the rules leave nothing."""
        here = self.folder / path
        if never(path):
            raise PlanError(Code.CONTEXT(f"'{entry}' never goes into an image", "remove it"))
        if here.is_file():
            if not self.excluded.holds(path):
                self._warn(entry)
            return [path]
        if not here.is_dir():
            raise PlanError(Code.CONTEXT(f"'{entry}' is neither a file nor a folder", "remove it"))
        if here in self.excluded.paths:
            message = f"'{entry}' is a folder that this program writes to"
            raise PlanError(Code.CONTEXT(message, f"name what is in it, as in '{entry}/static'"))
        written = [each for each in self.excluded.paths if here in each.parents]
        names = [f"{path}/{name}" for name in every_file(here, exclude=written)]
        found = [name for name in names if _is_file(self.folder / name)]
        if not found:
            raise PlanError(
                Code.CONTEXT(f"there is no file in '{entry}'", "make some, or remove it")
            )
        self._warn(entry)
        return found

    def _warn(self, entry: str) -> None:
        self.warnings.append(
            f"'{entry}' is ignored by .gitignore or .dockerignore; it is in the image because "
            "'copy' names it"
        )


def _topmost(folder: Path, files: Collection[str]) -> Iterator[str]:
    """Topmost paths below ``folder`` of which nothing is among ``files``."""
    leading = {str(each) for path in files for each in PurePosixPath(path).parents}

    def visit(below: str) -> Iterator[str]:
        for entry in os.scandir(folder / below):
            path = f"{below}/{entry.name}" if below else entry.name
            if path in leading and entry.is_dir(follow_symlinks=False):
                yield from visit(path)
            elif path not in files:
                yield utf8(path)

    return visit("")


def utf8(path: str) -> str:
    """Refuse a name that is not UTF-8. Raises PlanError."""
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode(errors="replace")
        raise PlanError(Code.CONTEXT(f"the name of '{shown}' is not UTF-8", "rename it")) from None
    return path


def _is_file(path: Path) -> bool:
    return path.is_symlink() or path.is_file()


def _both(path: Path) -> tuple[Path, Path]:
    return real_path(path.parent) / path.name, real_path(path)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return the identity of a folder, equal for all of its paths; hard links share theirs."""
    if not path.is_dir():
        return None
    status = path.stat()
    return status.st_dev, status.st_ino
