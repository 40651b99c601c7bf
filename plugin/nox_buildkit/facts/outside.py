"""The way to everything outside of a spec."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.facts.base_images import Bases
from nox_buildkit.facts.build_context import Contexts
from nox_buildkit.facts.image_bases import Scope
from nox_buildkit.file_digests import FileDigests
from nox_buildkit.lock.direct_references import (
    GitPackage,
    LocalPackage,
    git_packages,
    local_packages,
)
from nox_buildkit.lock.source import Source
from nox_buildkit.plan.facts import LockFacts
from nox_buildkit.plan.wheel_platforms import Libc


@dataclass(frozen=True)
class Outside:
    """The way to everything outside of the spec.

    ``generator``: digest of the program that renders plans; ``native``: platforms of the build
    machines; ``exclude``: paths that are in no image;
    ``platforms``: those that were asked for, empty: all.
    """

    root: Path
    bases: Bases
    native: tuple[str, ...]
    generator: str
    exclude: tuple[Path, ...] = ()
    platforms: tuple[str, ...] = ()

    @cached_property
    def contexts(self) -> Contexts:
        """The folders of build contexts, for all targets."""
        return Contexts(FileDigests(self.root, "sources"))

    @cached_property
    def locks(self) -> dict[tuple[Source, tuple[str, ...], str, Libc | None], LockFacts]:
        """Facts of locks by lock, platforms, Python and C library: many targets share one."""
        return {}

    @cached_property
    def references(self) -> Callable[[Path], tuple[LocalPackage | GitPackage, ...]]:
        """Return the folders and commits that a lock names; each lock is read once."""
        return cache(_references)

    def scope(self, targets: Iterable[Target]) -> Scope:
        """Return what is built of ``targets``."""
        return Scope(self.native, tuple(targets), self.platforms)


def _references(lock: Path) -> tuple[LocalPackage | GitPackage, ...]:
    return (*local_packages(lock), *git_packages(lock))
