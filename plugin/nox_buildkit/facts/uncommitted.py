"""Files of an image that no commit has: git counts them to no change of the work tree."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

from nox_buildkit.plan.facts import GitFacts, LocalWheel, TargetFacts


def with_files(git: GitFacts, targets: Iterable[TargetFacts]) -> GitFacts:
    """Return ``git``, dirty if files of ``targets`` are in no commit, and without their paths."""
    taken = git.dirty or any(_takes(target, git.untracked) for target in targets)
    return replace(git, dirty=taken, untracked=frozenset())


def _takes(target: TargetFacts, untracked: frozenset[str]) -> bool:
    if not untracked:
        return False
    sources = target.context.sources
    return (
        any(f"{sources.folder}/{file.path}" in untracked for file in sources.files)
        or any(placed.path in untracked for entry in target.files for placed in entry)
        or any(_is_packed(wheel, untracked) for wheel in target.local)
    )


def _is_packed(wheel: LocalWheel, untracked: frozenset[str]) -> bool:
    """Tell whether a module of that name is in the package, wherever its sources lie."""
    packed = set(_names(Path(wheel.path)))
    return any(ending in packed for path in untracked for ending in _endings(path))


def _endings(path: str) -> Iterator[str]:
    """Yield what ``path`` is from each of the folders above its own one: `demo/main.py`."""
    while "/" in path:
        yield path
        path = path.partition("/")[2]


def _names(path: Path) -> Iterator[str]:
    if path.suffix == ".whl":
        with ZipFile(path) as archive:
            yield from archive.namelist()
        return
    with tarfile.open(path) as archive:
        # The folder of a source distribution has the name of its version.
        yield from (name.partition("/")[2] for name in archive.getnames())
