"""Everything a plan needs to know of the outside, asked for in one place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nox_buildkit.bases.debian import Contents
from nox_buildkit.engine.provision import Report
from nox_buildkit.errors import BuildkitError, PlanError, Problem, UsageError
from nox_buildkit.facts.bases import read_base
from nox_buildkit.facts.context import read_context
from nox_buildkit.facts.coverage import read_coverage
from nox_buildkit.facts.git import read_git
from nox_buildkit.facts.wheels import local_wheel
from nox_buildkit.files import real_path
from nox_buildkit.lock.indexes import stated_indexes
from nox_buildkit.lock.local import local_packages
from nox_buildkit.lock.source import Source
from nox_buildkit.lock.uv import uv_version
from nox_buildkit.plan.facts import (
    BaseFacts,
    ContextFacts,
    Facts,
    ImageFacts,
    LocalWheel,
    LockFacts,
)
from nox_buildkit.plan.packages import needs_compiling
from nox_buildkit.plan.platforms import PLATFORMS
from nox_buildkit.spec.model import BuildSpec, Image

if TYPE_CHECKING:
    from python_on_whales import DockerClient


@dataclass(frozen=True, slots=True)
class Outside:
    """How the outside is reached. ``client`` makes a docker client when one is first needed.

    ``native``: platforms of the build machines; ``exclude``: paths that are in no image; ``pull``:
    look for newer bases.
    """

    root: Path
    client: Callable[[], DockerClient]
    report: Report
    native: tuple[str, ...]
    exclude: tuple[Path, ...] = ()
    pull: bool = False


def gather(spec: BuildSpec, sources: Mapping[str, Source | None], outside: Outside) -> Facts:
    """Facts about the images of ``sources``. Raises PlanError with every image's problems."""
    git = read_git(outside.root)
    problems: list[Problem] = []
    bases: dict[tuple[str, str, tuple[str, ...]], BaseFacts] = {}
    images = {}
    for name, source in sources.items():
        image = spec.images[name]
        key = (image.base, image.python, image.apt)
        try:
            bases[key] = bases.get(key) or _base(name, spec, outside)
            lock = _lock(source, spec.images[name], bases[key], outside.root) if source else None
            images[name] = ImageFacts(
                base=bases[key],
                context=_context(name, spec, source, outside),
                lock=lock,
                local=tuple(_local(name, spec, source, outside)),
                builder=_builder(name, spec, lock, outside),
            )
        except BuildkitError as error:
            problems += error.problems
    if problems:
        raise PlanError(*dict.fromkeys(problems))
    return Facts(
        uv=uv_version(),
        images=images,
        git=git,
        created=_source_date_epoch() or (git.committed if git else None),
        native=outside.native,
    )


def _base(
    name: str, spec: BuildSpec, outside: Outside, contents: Contents | None = None
) -> BaseFacts:
    image = spec.images[name]
    contents = contents or Contents(image.apt)
    key = "build-apt" if contents.compilers else "apt" if image.apt else "base"
    # For all images at once, so that a base is the same whichever of them is asked for.
    sharing = [i for i in spec.images.values() if (i.base, i.python) == (image.base, image.python)]
    return read_base(
        image.base,
        image.python,
        sorted({*outside.native, *(p for i in sharing for p in i.platforms)}),
        outside.client,
        outside.report,
        contents=contents,
        pull=outside.pull,
        location=spec.location("images", name, key),
    )


def _builder(
    name: str, spec: BuildSpec, lock: LockFacts | None, outside: Outside
) -> BaseFacts | None:
    """The base with compilers, if something of ``lock`` has to be compiled and can be."""
    image = spec.images[name]
    if image.base != "debian" or not lock or not needs_compiling(lock.coverage):
        return None
    packages = tuple(dict.fromkeys((*image.apt, *image.build_apt)))
    return _base(name, spec, outside, Contents(packages, compilers=True))


def _context(name: str, spec: BuildSpec, source: Source | None, outside: Outside) -> ContextFacts:
    image = spec.images[name]
    return read_context(
        real_path(outside.root / image.context),
        copy=image.copied,
        exclude=[*outside.exclude, *(_requirements_files(source) if source else ())],
        location=spec.location("images", name, "copy"),
    )


def _requirements_files(source: Source) -> Iterable[Path]:
    # A pyproject.toml stays: applications read their own settings in it.
    own = () if source.kind == "pyproject" else (source.path,)
    return (source.output, *own, *source.constraints)


def _lock(source: Source, image: Image, base: BaseFacts, root: Path) -> LockFacts:
    platforms = [PLATFORMS[platform] for platform in image.platforms]
    stated, more = stated_indexes(source.output)
    return LockFacts(
        path=os.path.relpath(source.output, root),
        source=os.path.relpath(source.path, root),
        coverage=read_coverage(source, platforms, image.python, base.glibc),
        index=source.index or stated,
        extra_indexes=(*source.extra_indexes, *more),
    )


def _local(
    name: str, spec: BuildSpec, source: Source | None, outside: Outside
) -> Iterable[LocalWheel]:
    """Wheels of the folders that the lock names, and of the image's own project if it is wanted."""
    for package in local_packages(source.output) if source else ():
        location = source.location if source else None
        yield local_wheel(package.folder, package.marker, location, outside.exclude)
    if spec.images[name].package:
        location = spec.location("images", name, "package")
        context = real_path(outside.root / spec.images[name].context)
        lock = [source.output] if source else []
        yield local_wheel(context, "", location, (*outside.exclude, *lock))


def _source_date_epoch() -> datetime | None:
    """reproducible-builds.org, SOURCE_DATE_EPOCH specification."""
    value = os.environ.get("SOURCE_DATE_EPOCH")
    if not value:
        return None
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            Problem(f"SOURCE_DATE_EPOCH is '{value}'", "set it to seconds since 1970, or unset it")
        ) from None
