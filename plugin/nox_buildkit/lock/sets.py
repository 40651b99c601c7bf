"""Which source and which lock each image of a spec has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from packaging.version import Version

from nox_buildkit.errors import LockError, Problem
from nox_buildkit.files import real_path
from nox_buildkit.lock.source import Source, find_source, kind_of, read_pyproject
from nox_buildkit.lock.workspace import named_indexes
from nox_buildkit.spec.grammar import NO_REQUIREMENTS
from nox_buildkit.spec.model import BuildSpec
from nox_buildkit.spec.targets import Target, targets_of, with_images_below

#: The lock of the requirements that lie in an image's context.
DEFAULT_OUTPUT = "requirements.lock"


def sources_of(
    spec: BuildSpec, root: Path, images: Iterable[str] = ()
) -> dict[Target, Source | None]:
    """The requirements of each target of ``images`` (default: all) and of what they build on.

    None where a target has none. Targets that share a set share one lock, made for the oldest
    Python among them (a universal resolution holds for newer ones). Raises LockError with every
    problem.
    """
    found: dict[Target, Source | None] = {}
    problems: list[Problem] = []
    for name in spec.images:
        for target in targets_of(spec, name):
            try:
                found[target] = _source_of(target, root)
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
    wanted = with_images_below(spec, images or spec.images)
    return {
        target: replace(source, python=oldest[source.output]) if source else None
        for target, source in found.items()
        if target.image in wanted
    }


def _collisions(sources: list[Source], spec: BuildSpec) -> Iterable[Problem]:
    """Outputs that would take the place of something else."""
    inputs = {path for source in sources for path in (source.path, *source.constraints)}
    made: dict[Path, Source] = {}
    for source in sources:
        if source.kind == "locked":
            continue
        other = made.setdefault(source.output, source)
        if replace(other, python=source.python) != source:
            yield Problem(
                f"'{source.output.name}' is the lock of two sets of requirements",
                "give one of them another 'output'",
                source.location,
            )
        if source.output in inputs:
            yield Problem(
                f"the lock would replace '{source.output.name}', which is a source",
                "name another 'output'",
                source.location,
            )


def _source_of(target: Target, root: Path) -> Source | None:
    image, spec = target.variant, target.spec
    if image.requirements == NO_REQUIREMENTS:
        return None
    if image.requirements is None:
        folder = real_path(root / image.context)
        path = find_source(folder, real_path(root))
        if path is None:
            return None
        return _source(
            path,
            folder / DEFAULT_OUTPUT,
            image.python,
            spec,
            target.path,
            package=_member(path, folder),
        )
    named = spec.requirements[image.requirements]
    where = ("requirements", image.requirements, "source")
    output = named.output or f"requirements.{image.requirements}.lock"
    return _source(
        real_path(root / named.source),
        real_path(root / output),
        image.python,
        spec,
        where,
        package=named.package,
        extras=named.extras,
        groups=named.groups,
        constraints=tuple(real_path(root / path) for path in named.constraints),
        # uv looks for credentials of an index under its name: UV_INDEX_<NAME>_USERNAME.
        index=f"{image.requirements}={named.index}" if named.index else None,
        extra_indexes=tuple(f"{name}={url}" for name, url in named.extra_indexes.items()),
    )


def _member(path: Path, folder: Path) -> str | None:
    """The name of the workspace's member in ``folder``, if ``path`` is the workspace's lock."""
    if path.parent == folder:
        return None
    project = read_pyproject(folder / "pyproject.toml").get("project", {})
    return str(project.get("name", folder.name))


def _source(
    path: Path,
    output: Path,
    python: str,
    spec: BuildSpec,
    where: tuple[str, ...],
    *,
    package: str | None = None,
    extras: tuple[str, ...] = (),
    groups: tuple[str, ...] = (),
    constraints: tuple[Path, ...] = (),
    index: str | None = None,
    extra_indexes: tuple[str, ...] = (),
) -> Source:
    location = spec.location(*where)
    for needed in (path, *constraints):
        if not needed.is_file():
            what = "is not a file" if needed.exists() else "no such file"
            raise LockError(Problem(f"{needed}: {what}", "correct its name", location))
    try:
        kind = kind_of(path)
    except LockError as error:
        raise LockError(
            *(Problem(p.message, p.hint, p.location or location) for p in error.problems)
        ) from None
    if kind == "uv":
        default, others = named_indexes(path)
        index, extra_indexes = index or default, (*extra_indexes, *others)
    return Source(
        path=path,
        output=path if kind == "locked" else output,
        kind=kind,
        python=python,
        package=package,
        extras=extras,
        groups=groups,
        constraints=constraints,
        index=index,
        extra_indexes=extra_indexes,
        location=location,
    )
