"""Everything a plan needs to know of the outside, asked for in one place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nox_buildkit.errors import BuildkitError, PlanError, Problem, UsageError
from nox_buildkit.facts.bases import Bases
from nox_buildkit.facts.context import read_context, source_file
from nox_buildkit.facts.coverage import read_coverage
from nox_buildkit.facts.git import read_git
from nox_buildkit.facts.images import compiler_of, stack_of
from nox_buildkit.facts.wheels import git_wheel, local_wheel
from nox_buildkit.files import real_path
from nox_buildkit.lock.folders import distributions
from nox_buildkit.lock.indexes import stated_places
from nox_buildkit.lock.local import git_packages, local_packages
from nox_buildkit.lock.source import Source
from nox_buildkit.lock.uv import uv_version
from nox_buildkit.plan.facts import (
    BaseFacts,
    ContextFacts,
    Coverage,
    Facts,
    ImageFacts,
    LocalWheel,
    LockFacts,
    SourceFile,
)
from nox_buildkit.plan.packages import needs_compiling
from nox_buildkit.plan.platforms import PLATFORMS, Libc
from nox_buildkit.spec.model import BuildSpec, Image


@dataclass(frozen=True, slots=True)
class Outside:
    """How the outside is reached.

    ``native``: platforms of the build machines; ``exclude``: paths that are in no image.
    """

    root: Path
    bases: Bases
    native: tuple[str, ...]
    exclude: tuple[Path, ...] = ()


def gather(spec: BuildSpec, sources: Mapping[str, Source | None], outside: Outside) -> Facts:
    """Facts about the images of ``sources``. Raises PlanError with every image's problems."""
    git = read_git(outside.root)
    problems: list[Problem] = []
    images = {}
    for name, source in sources.items():
        try:
            images[name] = _image(name, spec, source, outside)
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


def gather_coverage(
    spec: BuildSpec, sources: Mapping[str, Source | None], outside: Outside
) -> dict[str, tuple[Coverage, Libc]]:
    """What the index has for each image's base and platforms. Raises BuildkitError."""
    found = {}
    for name, source in sources.items():
        base = stack_of(name, spec, outside.native, outside.bases).base
        if source and base.libc:
            lock = _lock(source, spec.images[name], base, outside)
            found[name] = (lock.coverage, base.libc)
    return found


def _image(name: str, spec: BuildSpec, source: Source | None, outside: Outside) -> ImageFacts:
    stack = stack_of(name, spec, outside.native, outside.bases)
    lock = _lock(source, spec.images[name], stack.base, outside) if source else None
    compiler: BaseFacts | None = None
    build_apt: tuple[str, ...] = ()
    if lock and needs_compiling(lock.coverage):
        compiler, build_apt = compiler_of(name, spec, outside.native, stack.base, outside.bases)
    return ImageFacts(
        base=stack.base,
        builder=stack.builder,
        compiler=compiler,
        build_apt=build_apt,
        context=_context(name, spec, source, outside),
        lock=lock,
        local=tuple(_local(name, spec, source, outside)),
        files=tuple(_files(name, spec, outside)),
    )


def _context(name: str, spec: BuildSpec, source: Source | None, outside: Outside) -> ContextFacts:
    image = spec.images[name]
    return read_context(
        real_path(outside.root / image.context),
        copy=image.copied,
        exclude=[*outside.exclude, *(_requirements_files(source) if source else ())],
        location=spec.location("images", name, "copy"),
    )


def _files(name: str, spec: BuildSpec, outside: Outside) -> Iterable[SourceFile]:
    folder = real_path(outside.root / spec.images[name].context)
    for position, file in enumerate(spec.images[name].files):
        if not (folder / file.source).is_file():
            location = spec.location("images", name, "files", position, "source")
            message = f"'{file.source}' is not a file of the context '{folder}'"
            raise PlanError(Problem(message, "correct 'source'", location))
        yield source_file(folder, os.path.relpath(real_path(folder / file.source), folder))


def _requirements_files(source: Source) -> Iterable[Path]:
    # A pyproject.toml stays: applications read their own settings in it.
    own = () if source.kind == "pyproject" else (source.path,)
    found = [path for folder in source.find_links for path in distributions(folder)]
    return (source.output, *own, *source.constraints, *source.overrides, *found)


def _lock(source: Source, image: Image, base: BaseFacts, outside: Outside) -> LockFacts:
    root = outside.root
    # Steps run on the machine that builds, whatever the image is for.
    names = dict.fromkeys((*image.platforms, *(outside.native if image.steps else ())))
    platforms = [PLATFORMS[platform] for platform in names]
    stated = stated_places(source.output)
    return LockFacts(
        path=os.path.relpath(source.output, root),
        source=os.path.relpath(source.path, root),
        # A base that exists for none of the platforms is told with everything else.
        coverage=read_coverage(source, platforms, image.python, base.libc) if base.libc else {},
        index=source.index or stated.index,
        extra_indexes=tuple(dict.fromkeys((*source.extra_indexes, *stated.extra_indexes))),
    )


def _local(
    name: str, spec: BuildSpec, source: Source | None, outside: Outside
) -> Iterable[LocalWheel]:
    """Wheels of the folders that the lock names, and of the image's own project if it is wanted."""
    for package in local_packages(source.output) if source else ():
        location = source.location if source else None
        yield local_wheel(package.folder, package.marker, location, outside.exclude)
    for commit in git_packages(source.output) if source else ():
        yield git_wheel(commit, spec.images[name].python, source.location if source else None)
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
