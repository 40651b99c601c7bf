"""The source and the lock of each image of a spec."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from packaging.version import Version

from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.grammar import NO_REQUIREMENTS
from nox_buildkit.buildspec.model.requirement_set import Requirements
from nox_buildkit.buildspec.model.targets import Target, all_targets, with_ancestors
from nox_buildkit.errors import Code, Location, LockError, Problem
from nox_buildkit.files import real_path
from nox_buildkit.lock.pyproject import read_pyproject
from nox_buildkit.lock.source import (
    TOOL_LOCKS,
    Source,
    find_source,
)
from nox_buildkit.lock.source_files import check_file, read_all, read_one

#: The lock of the requirements that lie in an image's context.
DEFAULT_OUTPUT = "requirements.lock"

#: The same where a file without hashes has that name.
HASHED_OUTPUT = "requirements.hashed.lock"


def sources_of(
    spec: BuildSpec, root: Path, images: Iterable[str] = ()
) -> dict[Target, Source | None]:
    """The requirements of each target of ``images`` (default: all) and of what they build on.

    None where a target has none. Targets that share a set share one lock, made for the oldest
    Python among them (a universal resolution holds for newer ones). Raises LockError with every
    problem.
    """
    found: dict[Target, Source | None] = {}
    named = cache(partial(_named, spec, root))
    problems: list[Problem] = []
    for target in all_targets(spec):
        try:
            found[target] = _source_of(target, root, named)
        except LockError as error:
            problems += error.problems
    problems += _collisions([source for source in found.values() if source], spec)
    if problems:
        raise LockError(*dict.fromkeys(problems))
    oldest: dict[Path, str] = {}
    for target, source in found.items():
        if source:
            pythons = (target.variant.python, oldest.get(source.output))
            oldest[source.output] = min(filter(None, pythons), key=Version)
    wanted = with_ancestors(spec, images or spec.images)
    return {
        target: replace(source, python=oldest[source.output]) if source else None
        for target, source in found.items()
        if target.image in wanted
    }


def locks_of(sources: Mapping[Target, Source | None]) -> tuple[Source, ...]:
    """Return a source of each lock; sets may name the same finished one."""
    return tuple({source.output: source for source in sources.values() if source}.values())


def distinct(sources: Mapping[Target, Source | None]) -> tuple[Source, ...]:
    """Return each source once, whatever its lock."""
    return tuple(dict.fromkeys(filter(None, sources.values())))


def _collisions(sources: list[Source], spec: BuildSpec) -> Iterable[Problem]:
    """Outputs that would take the place of something else."""
    inputs = {
        path
        for source in sources
        for path in (*source.paths, *source.constraints, *source.overrides)
    }
    made: dict[Path, Source] = {}
    for source in sources:
        if source.kind == "locked":
            continue
        if source.output.exists() and not source.output.is_file():
            kind = "a folder" if source.output.is_dir() else "no regular file"
            yield Code.LOCK_TARGET(
                f"the lock cannot be written: {source.output} is {kind}",
                "name another 'output', or move it away",
                source.location,
            )
        other = made.setdefault(source.output, source)
        if replace(other, python=source.python) != source:
            yield Code.LOCK_TARGET(
                f"'{source.output.name}' is the lock of two sets of requirements",
                "give one of them another 'output'",
                source.location,
            )
        if source.output in inputs:
            yield Code.LOCK_TARGET(
                f"the lock would replace '{source.output.name}', which is a source",
                "name another 'output'",
                source.location,
            )


def _source_of(target: Target, root: Path, named: Callable[[str, str], Source]) -> Source | None:
    image = target.variant
    if image.requirements == NO_REQUIREMENTS:
        return None
    if image.requirements is None:
        folder = real_path(root / image.context)
        path = _found(folder, real_path(root), target)
        if path is None:
            return None
        # What pip freeze said has no hashes, and is not overwritten.
        output = DEFAULT_OUTPUT if path.name != DEFAULT_OUTPUT else HASHED_OUTPUT
        source = read_one(path, folder / output, image.python, target.location())
        return replace(source, package=_member(path, folder))
    return named(image.requirements, image.python)


def _found(folder: Path, root: Path, target: Target) -> Path | None:
    try:
        return find_source(folder, root)
    except LockError as error:
        where = target.location("requirements")
        raise error.located(where) from None


def _named(spec: BuildSpec, root: Path, name: str, python: str) -> Source:
    """The source of the set ``name``. Raises LockError for a file of it that is not there."""
    named, at = spec.requirements[name], ("requirements", name)
    output = real_path(root / (named.output or f"requirements.{name}.lock"))
    source = read_all(named, output, python, root, partial(spec.location, *at, "source"))
    if source.path.name in TOOL_LOCKS or source.kind == "locked":
        _refuse_resolving(source, named, partial(spec.location, *at))
    own = tuple(f"{each}={url}" for each, url in named.extra_indexes.items())
    return replace(
        source,
        package=named.package,
        build=named.build,
        extras=named.extras,
        groups=named.groups,
        constraints=_files(named.constraints, root, partial(spec.location, *at, "constraints")),
        overrides=_files(named.overrides, root, partial(spec.location, *at, "overrides")),
        find_links=(
            *_folders(named, source, root, partial(spec.location, *at, "find-links")),
            *source.find_links,
        ),
        # uv looks for credentials of an index under its name: UV_INDEX_<NAME>_USERNAME.
        index=f"{name}={named.index}" if named.index else source.index,
        extra_indexes=(*own, *source.extra_indexes),
    )


def _refuse_resolving(
    source: Source, named: Requirements, locate: Callable[[str], Location | None]
) -> None:
    for key in ("constraints", "overrides"):
        if getattr(named, key):
            raise LockError(
                Code.REQUIREMENTS_KEY(
                    f"{source.path.name} is resolved already: {key} have no say in it",
                    "leave them out, or give them to the tool that writes the lock",
                    locate(key),
                )
            )


def _files(
    paths: Iterable[str], root: Path, locate: Callable[[int], Location | None]
) -> tuple[Path, ...]:
    found = tuple(real_path(root / path) for path in paths)
    for position, path in enumerate(found):
        check_file(path, locate(position))
    return found


def _folders(
    named: Requirements, source: Source, root: Path, locate: Callable[..., Location | None]
) -> tuple[Path, ...]:
    found = tuple(real_path(root / path) for path in named.find_links)
    if found and source.kind == "uv":
        raise LockError(
            Code.REQUIREMENTS_KEY(
                f"{source.path.name} says itself which files it is of",
                "name the folder in 'tool.uv.find-links' of the project, and run 'uv lock'",
                locate(),
            )
        )
    for position, folder in enumerate(found):
        if not folder.is_dir():
            what = "is not a folder" if folder.exists() else "no such folder"
            raise LockError(
                Code.UNREADABLE_SOURCE(f"{folder}: {what}", "correct its name", locate(position))
            )
    return found


def _member(path: Path, folder: Path) -> str | None:
    """The name of the workspace's member in ``folder``, if ``path`` is the workspace's lock."""
    if path.parent == folder:
        return None
    return read_pyproject(folder / "pyproject.toml").project.name or folder.name
