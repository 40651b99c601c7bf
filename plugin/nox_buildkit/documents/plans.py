"""Shapes of what is decided before anything is built: ``plan``, ``tags``, ``matrix``.

``plan.document`` makes the first; the shapes here are what they are checked against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nox_buildkit.oci.content import Compression
from nox_buildkit.plan.application import PlacedFile, Sources, Step, TakenFile
from nox_buildkit.plan.base import Base
from nox_buildkit.plan.compiling import Compilation
from nox_buildkit.plan.debian import DebianPackage
from nox_buildkit.plan.operations import LayerKind, Machine
from nox_buildkit.plan.packages import Package, PlatformPackages, StepPackages
from nox_buildkit.plan.process import ImageConfig, Start
from nox_buildkit.plan.tags import SkippedTag
from nox_buildkit.plan.wheel_platforms import Libc
from nox_buildkit.release.moves import Move


@dataclass(frozen=True, slots=True)
class StageEntry:
    """A stage of the Dockerfile: what it reads, its operations by name, the layer it yields."""

    name: str
    title: str
    machine: Machine
    on_target: tuple[str, ...]
    reads: tuple[str, ...]
    operations: tuple[str, ...]
    layer: LayerKind | None


@dataclass(frozen=True, slots=True)
class ImagePlanEntry:
    """One image; ``variants``: the same on further platforms, where it differs by more."""

    name: str
    generator: str
    base: Base
    builder: Base | None
    compiler: Base | None
    step_base: Base | None
    cross: dict[str, Base]
    debian: tuple[DebianPackage, ...]
    apt: tuple[str, ...]
    build_apt: tuple[str, ...]
    step_apt: tuple[str, ...]
    step_debian: tuple[DebianPackage, ...]
    libc: Libc
    uv: str
    python: str
    lock: str | None
    index: str | None
    extra_indexes: tuple[str, ...]
    pure: tuple[Package, ...]
    local: tuple[Package, ...]
    platforms: tuple[PlatformPackages, ...]
    compilations: tuple[Compilation, ...]
    step_packages: tuple[StepPackages, ...]
    application: Sources
    account: str
    becomes: str
    writable: bool
    directories: tuple[str, ...]
    files: tuple[PlacedFile, ...]
    taken_files: tuple[TakenFile, ...]
    prestart: tuple[tuple[str, ...], ...]
    interpolated: tuple[str, ...]
    steps: tuple[Step, ...]
    build_args: dict[str, str]
    config: ImageConfig
    starts: Start
    tags: tuple[str, ...]
    skipped_tags: tuple[SkippedTag, ...]
    repositories: tuple[str, ...]
    references: tuple[str, ...]
    compression: Compression
    variants: tuple[ImagePlanEntry, ...]
    stages: tuple[StageEntry, ...]
    layers: tuple[LayerKind, ...]
    warnings: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class InputEntry:
    """A changed input of a layer; ``before`` is None for a new one, ``after`` for one that is gone.

    ``said``: the same as a sentence.
    """

    kind: str
    name: str
    platforms: tuple[str, ...]
    before: str | None
    after: str | None
    said: str


@dataclass(frozen=True, slots=True)
class LayerChangeEntry:
    """A layer by its title; without changes it comes from the cache."""

    layer: str
    kind: str
    made_again: bool
    changes: tuple[InputEntry, ...]


@dataclass(frozen=True, slots=True)
class ChangesEntry:
    """Changes of an image; ``last_sizes``: compressed bytes of the last build, by platform."""

    since: str
    layers: tuple[LayerChangeEntry, ...]
    last_sizes: dict[str, int]


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """A plan; ``ancestors``: images that others build on; ``command``: of buildx.

    ``changes``: by image, since the last build on this machine, or since a commit.
    """

    version: Literal[1]
    uv: str
    native: tuple[str, ...]
    images: tuple[ImagePlanEntry, ...]
    ancestors: tuple[ImagePlanEntry, ...]
    command: tuple[str, ...]
    changes: dict[str, ChangesEntry]


@dataclass(frozen=True, slots=True)
class TagsEntry:
    """An image: the project's version, what becomes of each tag, templates that give none."""

    version: str
    moves: tuple[Move, ...]
    skipped: tuple[SkippedTag, ...]


@dataclass(frozen=True, slots=True)
class TagsDocument:
    """The tags that a release would move, by image."""

    version: Literal[1]
    images: dict[str, TagsEntry]


@dataclass(frozen=True, slots=True)
class JobEntry:
    """A job: ``runner`` is a label, or the list of several, as ``runs-on`` takes it."""

    image: str
    platform: str
    name: str
    runner: str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MatrixDocument:
    """A value of GitHub's ``strategy.matrix``, which takes no key of ours: it has no version."""

    include: tuple[JobEntry, ...]
