"""Folders in which a change may change an image, as the plan and the locks know them.

They say where to look, not whether something changed: that is what the digest of a new plan says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.bases.base_lock import NAME as BASE_LOCK
from nox_buildkit.build.project import Project
from nox_buildkit.facts.ignore import never
from nox_buildkit.facts.worktree import ignored_folders
from nox_buildkit.lock.direct_references import local_packages
from nox_buildkit.lock.requirement_sets import distinct, sources_of
from nox_buildkit.lock.requirements_files import each_line
from nox_buildkit.lock.source import Source
from nox_buildkit.lock.uvlock import local_folders
from nox_buildkit.plan.plan import Plan

#: They are in no image, and say what is.
_RULES = (".gitignore", ".dockerignore")

#: Names that editors give to files that are gone in a moment: JetBrains', backups, Emacs' locks,
#: macOS' own, flycheck's, and swap files of Vim, of which there are several (:help swap-file).
#: More than these, as by the rules of watchfiles, would be somebody's sources: logo.swf.
_TEMPORARY = re.compile(
    r".*___jb_\w+___|.*~|\.#.*|\.DS_Store|flycheck_.*|\.(?:.*\.)?sw[a-p]", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Watched:
    """Folders to watch, without those below them.

    ``files``: those that matter though they are in no image; ``ignored``: paths that do not matter,
    with all that is below them.
    """

    folders: frozenset[Path] = frozenset()
    files: frozenset[Path] = frozenset()
    ignored: frozenset[Path] = frozenset()

    def concerns(self, path: Path) -> bool:
        """Tell whether a change of ``path`` may change an image."""
        if path in self.files or path.name in _RULES:
            return True
        if never(path.name) or _TEMPORARY.fullmatch(path.name):
            return False
        return self.ignored.isdisjoint((path, *path.parents))


def watched_of(project: Project, plan: Plan) -> Watched:
    """Return what to watch for the images of ``plan``. Raises LockError."""
    sources = sources_of(project.spec, project.root, project.images)
    files = {project.file, project.root / BASE_LOCK}
    folders: set[Path] = set()
    trees: dict[Path, tuple[str, ...]] = {}
    for target in plan.targets:
        context = target.application.sources
        trees[Path(context.folder)] = context.ignored
        files |= {Path(placed.path) for placed in target.application.files}
    for source in distinct(sources):
        files |= set(_files_of(source))
        folders |= set(source.find_links)
        # Of a folder that is a context as well, it is known what does not matter.
        trees = {package.folder: () for package in local_packages(source.output)} | trees
    folders |= {path.parent for path in files}
    for folder, ignored in trees.items():
        folders |= set(_folders(folder, ignored))
    ignored_paths = {folder / name for folder, names in trees.items() for name in names}
    return Watched(
        frozenset(path for path in folders if path.is_dir()),
        frozenset(files),
        frozenset(ignored_paths),
    )


def _files_of(source: Source) -> Iterator[Path]:
    """Yield the files that a lock is made of, and itself."""
    yield from (source.path, source.output, source.path.parent / "pyproject.toml")
    yield from (*source.constraints, *source.overrides)
    if source.kind == "uv":
        yield from (member / "pyproject.toml" for member in local_folders(source.path))
    elif source.kind in ("requirements", "locked"):
        yield from (Path(where.file) for _, where in each_line(source.path))


def _folders(top: Path, ignored: Collection[str]) -> Iterable[Path]:
    """Yield ``top`` and the folders below it, without links, that hold files of an image, or may.

    A virtual environment, or the packages of a front end, would be thousands.
    """
    candidates = [name for name in ignored if (top / name).is_dir() and not never(name)]
    closed = {top / name for name in ignored_folders(top, candidates)}
    for here, names, _ in os.walk(top):
        yield Path(here)
        names[:] = [name for name in names if not never(name) and Path(here, name) not in closed]


def named(changed: Collection[Path], root: Path) -> str:
    """Return the names of ``changed`` files for people: the first few.

    What is gone again was temporary, unless there is nothing else.
    """
    there = [path for path in changed if path.exists()] or changed
    names = sorted(os.path.relpath(path, root) for path in there)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"
