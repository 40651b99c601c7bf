"""The steps that several commands share: spec → locks → facts → plan."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from nox_buildkit.bases.base_lock import NAME as BASE_LOCK
from nox_buildkit.bases.base_lock import read_base_lock
from nox_buildkit.build.builders import stated_builder
from nox_buildkit.build.generator import generator_digest
from nox_buildkit.build.local_caches import cache_folders
from nox_buildkit.build.options import Selection
from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.buildspec.reading.load import load
from nox_buildkit.buildspec.text import listed, nearest
from nox_buildkit.engine.buildkit import Engine, Needs
from nox_buildkit.engine.client import Docker
from nox_buildkit.engine.planned_engine import planned_engine
from nox_buildkit.engine.stated_builder import StatedBuilder
from nox_buildkit.environment import in_ci
from nox_buildkit.errors import Code, EngineError, Problem, UsageError
from nox_buildkit.facts.base_images import Bases
from nox_buildkit.facts.gather import gather
from nox_buildkit.facts.outside import Outside
from nox_buildkit.facts.python_versions import Choice, with_pythons
from nox_buildkit.lock.source import Source
from nox_buildkit.oci.platform import PLATFORMS, host_platform
from nox_buildkit.oci.resolved import ResolvedImage
from nox_buildkit.plan.facts import GitFacts
from nox_buildkit.plan.plan import Plan
from nox_buildkit.plan.planner import make_plan
from nox_buildkit.progress import Progress
from nox_buildkit.stopwatch import Stopwatch

_NO_COMMIT = GitFacts("0" * 40, False, datetime(1980, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Project:
    """A spec, the file it was read from, and what of it was asked for.

    ``builder``: the buildx builder that somebody named; the nearest to this run wins;
    ``pythons``: how the Python of each image was chosen; ``watch``: runs since the spec was read.
    """

    file: Path
    spec: BuildSpec
    images: tuple[str, ...]
    platforms: tuple[str, ...]
    builder: str | StatedBuilder | None = None
    pythons: Mapping[str, Choice] = field(default_factory=dict)
    watch: Stopwatch = field(default_factory=Stopwatch, compare=False)

    @property
    def root(self) -> Path:
        """The folder that paths in the spec are relative to."""
        return self.file.parent


def open_project(buildspec: Path, selection: Selection) -> Project:
    """Read the spec with what the command line sets over it. Raises NoxBuildkitError."""
    _require_utf8(buildspec.resolve().parent)
    watch = Stopwatch()
    with watch.step("buildspec"):
        spec = load(buildspec, selection.overrides)
    platforms = selection.platforms
    images = _asked(spec, selection.images, buildspec)
    built = {platform for name in images for platform in spec.images[name].platforms}
    for platform in platforms:
        if platform not in built:
            raise UsageError(_unknown("platform", platform, sorted(built), buildspec))
    if platforms and not selection.images:
        images = tuple(n for n in images if set(platforms) & set(spec.images[n].platforms))
    for name in images:
        if platforms and not set(platforms) & set(spec.images[name].platforms):
            raise UsageError(
                _unknown("platform", platforms[0], spec.images[name].platforms, buildspec)
            )
    named = selection.builder or os.environ.get("BUILDX_BUILDER")
    file = buildspec.resolve()
    spec, pythons = with_pythons(spec, file.parent, images)
    builder = named or stated_builder(spec.builder, file.parent)
    return Project(file, spec, images, platforms, builder, pythons, watch)


def _require_utf8(folder: Path) -> None:
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(folder).decode(errors="replace")
        message = f"the path of the project, '{shown}', is not UTF-8"
        raise UsageError(Code.PROJECT_PATH(message, "rename the folder")) from None


def _asked(spec: BuildSpec, names: Sequence[str], buildspec: Path) -> tuple[str, ...]:
    """The images that are called ``names``, or are in groups that are; all if there are none."""
    found: dict[str, None] = {}
    for name in names:
        if name not in spec.images and name not in spec.groups:
            raise UsageError(_unknown("image", name, [*spec.images, *spec.groups], buildspec))
        found |= dict.fromkeys(spec.groups.get(name, (name,)))
    return tuple(found) or tuple(spec.images)


def plan_project(
    project: Project,
    sources: Mapping[Target, Source | None],
    report: Progress,
    *,
    exclude: tuple[Path, ...] = (),
    pull: bool = False,
    anonymous: bool = False,
    builds: bool = False,
) -> Plan:
    """The plan of the chosen images, for the machines of the builder that is named.

    ``anonymous``: of no commit in particular, for a comparison; ``builds``: it is going to be
    built, so that the engine may be started while a base is assembled.
    """
    locked = read_base_lock(project.root / BASE_LOCK)
    bases = reach_bases(project, report, locked=locked, pull=pull)
    if builds:
        bases = replace(bases, beside=partial(_engine_starts, project, report))
    with project.watch.step("facts"):
        facts = gather(sources, reach_outside(project, bases, exclude))
    if anonymous:
        facts = replace(facts, git=_NO_COMMIT, created=_NO_COMMIT.committed)
    with project.watch.step("plan"):
        return make_plan(project.spec, facts, images=project.images, platforms=project.platforms)


def reach_bases(
    project: Project,
    report: Progress,
    *,
    locked: Mapping[str, ResolvedImage] | None = None,
    pull: bool = False,
    assembles: bool = True,
) -> Bases:
    """The bases that the images of ``project`` can have; nobody is asked before one is needed."""

    @cache
    def client() -> Docker:
        # Only for questions that nobody has asked before.
        from nox_buildkit.engine.find import find_client  # noqa: PLC0415

        return find_client(report)

    @cache
    def engine() -> Engine:
        from nox_buildkit.engine.find import find_engine  # noqa: PLC0415 - as above

        return find_engine(Needs(frozenset()), project.builder, report)

    return Bases(client, engine, report, project.spec.mirrors, locked, in_ci(), pull, assembles)


def _engine_starts(project: Project, report: Progress) -> AbstractContextManager[None]:
    """Start the engine that is going to build, if it is ours, beside the block."""
    # Only where a base is assembled.
    from nox_buildkit.at_once import meanwhile  # noqa: PLC0415
    from nox_buildkit.engine.find import start_own  # noqa: PLC0415

    def start() -> None:
        # Whoever needs it says what is wrong.
        with contextlib.suppress(EngineError):
            start_own(project.builder, report)

    return meanwhile(start)


def reach_outside(project: Project, bases: Bases, exclude: tuple[Path, ...] = ()) -> Outside:
    """Return the way to gather facts about the images of ``project``."""
    # What builds the images is in none of them.
    own = (project.file, project.root / "noxfile.py", project.root / "dist")
    caches = cache_folders(project.root, project.spec)
    exclude = (*own, project.root / BASE_LOCK, *caches, *exclude)
    generator = generator_digest()
    return Outside(
        project.root, bases, native_platforms(project), generator, exclude, project.platforms
    )


def native_platforms(project: Project) -> tuple[str, ...]:
    """Platforms of the machines that are going to build; of this one where nobody knows."""
    native: tuple[str, ...] = ()
    # Whether the builder can be used is asked when it is.
    with contextlib.suppress(EngineError):
        native = planned_engine(project.builder).native
    return tuple(platform for platform in native if platform in PLATFORMS) or (host_platform(),)


def _unknown(kind: str, name: str, known: Iterable[str], buildspec: Path) -> Problem:
    names = list(known)
    hint = nearest(name, names) or f"there is {listed(names)}"
    return Code.UNKNOWN_SELECTION(f"{buildspec} has no {kind} '{name}'", hint)
