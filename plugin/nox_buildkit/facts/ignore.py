"""Files of a folder that go into an image, by .gitignore, .dockerignore and fixed rules.

The result is a list of literal paths. BuildKit gets exactly that list, and the names that never
belong, so there is one place that decides.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from nox_buildkit.errors import Code, Location, PlanError, Problem
from nox_buildkit.facts.dockerignore import DockerIgnore
from nox_buildkit.facts.excluded import Excluded
from nox_buildkit.facts.links import resolved
from nox_buildkit.facts.worktree import Listing, list_files
from nox_buildkit.output_files import is_output_file
from nox_buildkit.plan.application import NEVER

_SCRIPT = "inputs/scripts/layer.py"

#: Names that never belong, and the end of such names.
_NAMES = frozenset(name for name in NEVER if "*" not in name)
_ENDS = "|".join(re.escape(name.removeprefix("*")) for name in NEVER if name not in _NAMES)
_ENDING = re.compile(rf"(?:{_ENDS})(?:/|\Z)")

#: Where the entry of ``copy`` at an index was written.
Locate = Callable[[int], Location | None]


@dataclass(frozen=True, slots=True)
class Selection:
    """Paths of ``files`` that go in, and topmost paths that are ``ignored``, both sorted."""

    files: tuple[str, ...]
    ignored: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class Candidates:
    """The files below ``folder``, an absolute path without links, that may go into an image.

    ``exclude``: absolute paths that stay out; ``ask``: returns all files, as git lists them.
    """

    def __init__(
        self,
        folder: Path,
        exclude: Collection[Path],
        ask: Callable[[Path], Listing] = list_files,
    ) -> None:
        self.folder = folder
        self.excluded = Excluded(folder, exclude)
        self._ask = ask

    @cached_property
    def listing(self) -> Listing:
        """All files."""
        return self._ask(self.folder)

    @cached_property
    def kept(self) -> list[str]:
        """Those that no rule leaves out."""
        listed = self.listing.paths
        belonging = [path for path in listed if not never(path)]
        scripts = (path for path in belonging if path.endswith(f"/{_SCRIPT}"))
        tops = (path.removesuffix(_SCRIPT) for path in scripts)
        definitions = tuple(top for top in tops if is_definition(self.folder / top))
        docker = DockerIgnore.read(self.folder / ".dockerignore")
        return [
            path
            for path in belonging
            if not self.excluded.holds(path, is_link=stat.S_ISLNK(listed[path].st_mode))
            and not (definitions and path.startswith(definitions))
            and not (docker.patterns and docker.leaves_out(path))
            and not is_output_file(f"{self.folder}/{path}")
        ]

    def select(self, copy: Sequence[str], locate: Locate = lambda _: None) -> Selection:
        """Choose what ``copy`` names: paths below the folder (``.`` for all), at ``locate``.

        Raises PlanError with every entry that there is nothing of.
        """
        chosen = _Chosen(self)
        problems: list[Problem] = []
        for position, entry in enumerate(copy):
            try:
                chosen.take(entry)
            except PlanError as error:
                problems += error.located(locate(position)).problems
        if problems:
            raise PlanError(*problems)
        ignored = {*_topmost(self.folder, chosen.files), *self.excluded.to_be_made(chosen.files)}
        warnings = (*(self.listing.warnings if copy else ()), *chosen.warnings)
        return Selection(tuple(sorted(chosen.files)), tuple(sorted(ignored)), warnings)


def every_file(folder: Path, *, exclude: Collection[Path]) -> list[str]:
    """Paths of all files below ``folder`` but ``exclude`` and what never belongs; ignored ones too.

    What builds have written is none of them; links are, whatever they lead to. Sorted, relative,
    with forward slashes.
    """
    found = []
    for top, folders, names in os.walk(folder):
        here = Path(top)
        kept = [
            path
            for name in (*folders, *names)
            if (path := here / name) not in exclude
            and not never(path.relative_to(folder).as_posix())
            and not is_output_file(str(path))
        ]
        folders[:] = [path.name for path in kept if path.name in folders]
        files = (path for path in kept if path.is_symlink() or not path.is_dir())
        found += [path.relative_to(folder).as_posix() for path in files]
    return sorted(found)


def never(path: str) -> bool:
    """Tell whether a part of ``path`` never belongs to an application, whatever rules say."""
    parts = path.split("/")
    return not _NAMES.isdisjoint(parts) or _ENDING.search(path) is not None


def is_definition(folder: Path) -> bool:
    """Tell whether ``nox -s render`` wrote ``folder``."""
    return (folder / "docker-bake.json").is_file() and (folder / _SCRIPT).is_file()


@dataclass
class _Chosen:
    among: Candidates
    files: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.among.folder

    def take(self, entry: str) -> None:
        """Add what ``entry`` of ``copy`` means. Raises PlanError if that is nothing."""
        if entry == ".":
            self.files.update(map(utf8, self.among.kept))
            return
        links, path = resolved(self.folder, entry)
        if path == ".":
            raise PlanError(Code.CONTEXT(f"'{entry}' leads to the context itself", "write '.'"))
        found = [each for each in self.among.kept if each == path or each.startswith(f"{path}/")]
        self.files.update(map(utf8, [*links, *(found or self._named(entry, path))]))

    def _named(self, entry: str, path: str) -> list[str]:
        """Return the named paths of which the rules leave nothing."""
        here, excluded = self.folder / path, self.among.excluded
        if never(path):
            raise PlanError(Code.CONTEXT(f"'{entry}' never goes into an image", "remove it"))
        if here.is_file():
            known = excluded.holds(path, is_link=here.is_symlink()) or is_output_file(str(here))
            if not known:
                self._warn(entry)
            return [path]
        if not here.is_dir():
            raise PlanError(Code.CONTEXT(f"'{entry}' is neither a file nor a folder", "remove it"))
        if here in excluded.paths:
            message = f"'{entry}' is a folder that this program writes to"
            raise PlanError(Code.CONTEXT(message, f"name what is in it, as in '{entry}/static'"))
        written = [each for each in excluded.paths if here in each.parents]
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
    leading: set[str] = set()
    for path in files:
        above = path.rpartition("/")[0]
        while above and above not in leading:
            leading.add(above)
            above = above.rpartition("/")[0]

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
