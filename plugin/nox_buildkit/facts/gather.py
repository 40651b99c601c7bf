"""Everything a plan needs to know of the outside, asked for in one place."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.errors import Code, NoxBuildkitError, PlanError, Problem
from nox_buildkit.facts.coverage import read_coverage
from nox_buildkit.facts.creation_time import source_date_epoch
from nox_buildkit.facts.cross_compilers import cross_compilers
from nox_buildkit.facts.image_bases import compiler_of, stack_of, step_base_of, taken_images
from nox_buildkit.facts.import_hints import development_imports
from nox_buildkit.facts.outside import Outside
from nox_buildkit.facts.placed_files import Placed, placed_by
from nox_buildkit.facts.uncommitted import with_files
from nox_buildkit.files import real_path
from nox_buildkit.lock.direct_references import LocalPackage
from nox_buildkit.lock.folders import distributions
from nox_buildkit.lock.git import read_git
from nox_buildkit.lock.indexes import stated_places
from nox_buildkit.lock.pylock_cache import ask_together
from nox_buildkit.lock.requirement_sets import distinct
from nox_buildkit.lock.source import Source
from nox_buildkit.lock.uv import uv_version
from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.facts import (
    BaseFacts,
    ContextFacts,
    Coverage,
    Facts,
    InspectedBase,
    LocalWheel,
    LockFacts,
    TargetFacts,
)
from nox_buildkit.plan.package_selection import needs_compiling
from nox_buildkit.plan.wheel_platforms import Libc, may_hold


def gather(sources: Mapping[Target, Source | None], outside: Outside) -> Facts:
    """Facts about the targets of ``sources``. Raises PlanError with every target's problems."""
    git = read_git(outside.root)
    ask_together(distinct(sources), outside.bases.report.message)
    problems: list[Problem] = []
    targets = {}
    for target in sources:
        try:
            targets[target.name] = _target(target, sources, outside)
        except NoxBuildkitError as error:
            problems += error.problems
    outside.contexts.digests.keep()
    if problems:
        raise PlanError(*dict.fromkeys(problems))
    return Facts(
        uv=uv_version(),
        generator=outside.generator,
        targets=targets,
        git=with_files(git, targets.values()) if git else None,
        created=source_date_epoch() or (git.committed if git else None),
        native=outside.native,
    )


def gather_coverage(
    sources: Mapping[Target, Source | None], outside: Outside
) -> dict[Target, tuple[Coverage, Libc]]:
    """Return the index's files for each target's base and platforms. Raises NoxBuildkitError."""
    found = {}
    ask_together(distinct(sources), outside.bases.report.message)
    for target, source in sources.items():
        base = stack_of(target, outside.scope(sources), outside.bases).base
        if source and isinstance(base, InspectedBase):
            lock = _lock(source, target, base, outside, target.platforms)
            found[target] = (lock.coverage, base.libc)
    return found


def _target(
    target: Target, sources: Mapping[Target, Source | None], outside: Outside
) -> TargetFacts:
    scope = outside.scope(sources)
    source, stack = sources[target], stack_of(target, scope, outside.bases)

    def lock_of(one: Target) -> LockFacts | None:
        found = sources[one]
        # Steps run on the machine that builds, whatever the image is for.
        native = outside.native if _has_steps(one, sources) else ()
        platforms = tuple(dict.fromkeys((*one.platforms, *native)))
        return _lock(found, one, stack.base, outside, platforms) if found else None

    lock = lock_of(target)
    # Steps have the packages of the images below as well.
    used = [lock, *(map(lock_of, target.lineage[1:]) if target.variant.steps else ())]
    compiler: BaseFacts | None = None
    build_apt: tuple[str, ...] = ()
    local = tuple(_local(target, source, outside))
    own = any(each.compiled for each in (*local, *_local_below(target, sources, outside)))
    if own or any(each and needs_compiling(each.coverage) for each in used):
        compiler, build_apt = compiler_of(target, scope, outside.bases)
    step_base, step_apt = step_base_of(target, stack, scope, outside.bases)
    placed = tuple(placed_by(target, outside.root, outside.exclude, outside.contexts.digests))
    context = _context(target, source, _installed(lock, local), outside)
    return TargetFacts(
        base=stack.base,
        builder=stack.builder,
        compiler=compiler,
        build_apt=build_apt,
        cross=cross_compilers(target, scope, outside.bases, lock, local),
        step_base=step_base,
        step_apt=step_apt,
        context=_completed(context, target, local, placed),
        lock=lock,
        local=local,
        files=tuple(each.sources for each in placed),
        taken=taken_images(target, outside.bases),
    )


def _context(
    target: Target, source: Source | None, installed: set[str], outside: Outside
) -> ContextFacts:
    folder = real_path(outside.root / target.variant.context)
    if not folder.is_dir():
        message = f"context '{folder}' is not a folder"
        raise PlanError(Code.CONTEXT(message, "correct 'context'", target.location("context")))
    if not unicodedata.is_normalized("NFC", str(folder)):
        # bake composes every string of a definition.
        message = f"bake does not find '{folder}': it has decomposed characters (Unicode NFD)"
        hint = "rename the folder so that they are composed (NFC)"
        raise PlanError(Code.CONTEXT(message, hint, target.location("context")))
    context = outside.contexts.read(
        folder,
        copy=target.variant.copied,
        exclude=[*outside.exclude, *(_requirements_files(source) if source else ())],
        locate=lambda position: target.location("copy", position),
    )
    if not source:
        return context
    files = [file.path for file in context.sources.files]
    hints = development_imports(folder, files, source.groups, installed)
    told = tuple(f"{target.image}: {hint}" for hint in hints)
    return replace(context, warnings=(*context.warnings, *told))


def _completed(
    context: ContextFacts,
    target: Target,
    local: Sequence[LocalWheel],
    placed: Iterable[Placed],
) -> ContextFacts:
    """Return ``context`` with the warnings about placed files, and with its version."""
    warnings = (warning for each in placed for warning in each.warnings)
    version = context.version
    if target.variant.package and not version:
        # Only the build backend knows it, and the project's own wheel is the last.
        version = local[-1].version
    return replace(context, version=version, warnings=(*context.warnings, *warnings))


def _requirements_files(source: Source) -> Iterable[Path]:
    # A pyproject.toml stays: applications read their own settings in it.
    own = () if source.kind in ("pyproject", "setup") else source.paths
    found = [path for folder in source.find_links for path in distributions(folder)]
    return (source.output, *own, *source.constraints, *source.overrides, *found)


def _has_steps(target: Target, every: Iterable[Target]) -> bool:
    """Tell whether ``target``, or one of ``every`` that builds on it, has steps."""
    return any(one.variant.steps and target in one.lineage for one in every)


def _lock(
    source: Source, target: Target, base: BaseFacts, outside: Outside, names: Iterable[str]
) -> LockFacts:
    platforms, python, libc = tuple(names), target.variant.python, None
    # A base that exists for none of the platforms is reported with everything else.
    if isinstance(base, InspectedBase):
        python, libc = base.full_python or python, base.libc
    key = (source, platforms, python, libc)
    if key not in outside.locks:
        known = [PLATFORMS[platform] for platform in platforms]
        coverage = read_coverage(source, known, python, libc) if libc else {}
        outside.locks[key] = _facts_of(source, coverage, outside.root)
    return outside.locks[key]


def _facts_of(source: Source, coverage: Coverage, root: Path) -> LockFacts:
    stated = stated_places(source.output)
    return LockFacts(
        path=os.path.relpath(source.output, root),
        source=", ".join(os.path.relpath(path, root) for path in source.paths),
        coverage=coverage,
        index=source.index or stated.index,
        extra_indexes=tuple(dict.fromkeys((*source.extra_indexes, *stated.extra_indexes))),
    )


def _local(target: Target, source: Source | None, outside: Outside) -> Iterable[LocalWheel]:
    """Wheels of the folders that the lock names, and of the image's own project if it is wanted."""
    named = outside.references(source.output) if source else ()
    if not (named or target.variant.package):
        return
    # Most projects have none.
    from nox_buildkit.facts.local_wheels import git_wheel, local_wheel  # noqa: PLC0415

    args, location = target.variant.args, source.location if source else None
    # Steps run on the machines that build.
    platforms = (*target.platforms, *outside.native)
    for one in named:
        if not may_hold(one.marker, platforms, target.variant.python):
            continue
        if isinstance(one, LocalPackage):
            yield local_wheel(one.folder, one.marker, location, outside.exclude, args)
        else:
            yield git_wheel(one, target.variant.python, location, args)
    if target.variant.package:
        context = real_path(outside.root / target.variant.context)
        lock = [source.output] if source else []
        location = target.location("package")
        yield local_wheel(context, "", location, (*outside.exclude, *lock), args)


def _installed(lock: LockFacts | None, local: Iterable[LocalWheel]) -> set[str]:
    """Return the names of all packages that an image gets."""
    locked = {file.name for files in (lock.coverage if lock else {}).values() for file in files}
    return locked.union(one.name for one in local)


def _local_below(
    target: Target, sources: Mapping[Target, Source | None], outside: Outside
) -> Iterable[LocalWheel]:
    """Yield wheels of the images below, whose packages the steps of ``target`` have as well."""
    for one in target.lineage[1:] if target.variant.steps else ():
        yield from _local(one, sources[one], outside)
