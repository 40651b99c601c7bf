"""The plan of one target: its values, each decided by one function."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.buildspec.model.variant import Variant
from nox_buildkit.errors import Code, PlanError
from nox_buildkit.plan.application import Application, Step
from nox_buildkit.plan.base import Base, Bases
from nox_buildkit.plan.compiling import Compilation, compilations
from nox_buildkit.plan.configuration import config_of, parent_start, start_of
from nox_buildkit.plan.debian import DebianPackage, DebianPackages
from nox_buildkit.plan.facts import BaseFacts, Facts, InspectedBase, TargetFacts
from nox_buildkit.plan.image import ImagePlan, PythonEnvironment
from nox_buildkit.plan.packages import Packages
from nox_buildkit.plan.placed_files import placed_files, taken_files
from nox_buildkit.plan.secret_names import is_secret_name
from nox_buildkit.plan.start_programs import programs_of
from nox_buildkit.plan.target_packages import packages_of


def plan_target(
    target: Target, chosen: Sequence[str], facts: Facts, made: Mapping[str, ImagePlan]
) -> ImagePlan:
    """Plan ``target`` for the platforms ``chosen``; ``made``: images that it may build on.

    Raises PlanError.
    """
    known = facts.targets[target.name]
    parent = made[target.parent.image] if target.parent else None
    lower = parent.on(chosen[0]) if parent else None
    base = _checked(known.base, chosen)
    _checked(known.builder or known.base, facts.native)
    packages = packages_of(target, chosen, facts, base, lower)
    start = parent_start(base, lower)
    emulate = target.variant.emulate
    compiled = compilations(packages.platforms, facts.native, known.cross, emulate)
    config = config_of(target, facts, lower, start)
    return ImagePlan(
        name=target.name,
        generator=facts.generator,
        bases=_bases(base, known, parent, compiled, compiles=packages.compiles),
        python=_python(target, facts, base),
        debian=_debian(target, known, base, chosen, facts.native),
        packages=packages,
        application=replace(
            _application(target, known, lower), taken=taken_files(target, chosen, known, made)
        ),
        config=config,
        starts=start_of(config, start),
        build_args=_build_args(target.variant, packages),
        compilations=compiled,
        warnings=(
            *base.warnings,
            *known.context.warnings,
            *_warnings(target, known, compiled, compiles=packages.compiles),
        ),
    )


def _checked(base: BaseFacts, needed: Sequence[str]) -> InspectedBase:
    missing = [p for p in dict.fromkeys(needed) if p not in base.platforms]
    if missing:
        raise PlanError(
            Code.BASE(
                f"base '{base.name}' has no {' and no '.join(missing)}",
                f"it has {', '.join(sorted(base.platforms)) or 'nothing'}; "
                "take another base, or leave the platform out",
            )
        )
    if not isinstance(base, InspectedBase):
        raise PlanError(Code.BASE(f"nothing is known of base '{base.name}'", "take another"))
    return base


def _python(target: Target, facts: Facts, base: InspectedBase) -> PythonEnvironment:
    lock = facts.targets[target.name].lock
    return PythonEnvironment(
        version=target.variant.python,
        libc=base.libc,
        uv=facts.uv,
        lock=lock.path if lock else None,
        index=lock.index if lock else None,
        extra_indexes=lock.extra_indexes if lock else (),
    )


def _bases(
    base: InspectedBase,
    known: TargetFacts,
    parent: ImagePlan | None,
    compiled: Sequence[Compilation],
    *,
    compiles: bool,
) -> Bases:
    # An image of the same plan is not built yet; its own plan says what it will be.
    digest = parent.digest if parent else base.digest
    origin = _origin_of(parent) if parent else base.origin or base.digest
    return Bases(
        Base(base.name, digest, base.source, base.interpreter, origin),
        _base(known.builder) if known.builder else None,
        _base(known.compiler) if known.compiler and compiles else None,
        _base(known.step_base) if known.step_base else None,
        _cross(known, compiled),
    )


def _cross(known: TargetFacts, compiled: Sequence[Compilation]) -> tuple[tuple[str, Base], ...]:
    platforms = dict.fromkeys(one.platform for one in compiled if one.method == "cross")
    found = ((platform, known.cross[platform].base) for platform in platforms)
    return tuple((platform, _base(base)) for platform, base in found if base)


def _base(known: BaseFacts) -> Base:
    interpreter = known.interpreter if isinstance(known, InspectedBase) else ""
    return Base(known.name, known.digest, known.source, interpreter, known.origin or known.digest)


def _origin_of(image: ImagePlan) -> str:
    """Combine the origin of its base with every package that may run when its Python starts."""
    every = {x.sha256 for one in image.packages.of_every_platform().values() for x in one}
    text = " ".join((image.bases.base.origin, *sorted(every), *image.debian.added))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _debian(
    target: Target,
    known: TargetFacts,
    base: InspectedBase,
    chosen: Sequence[str],
    native: Sequence[str],
) -> DebianPackages:
    # The target and all images that it builds on.
    names = tuple(dict.fromkeys(name for one in target.lineage for name in one.variant.apt))
    return DebianPackages(
        base=tuple(_in_base(base, chosen, names)),
        # An assembled base has them already.
        added=target.variant.apt if base.apt else (),
        compiler=known.build_apt,
        steps=(*(names if target.variant.steps and base.apt else ()), *known.step_apt),
        step_base=tuple(_in_base(known.step_base, native, target.variant.steps_apt))
        if known.step_base
        else (),
    )


def _in_base(
    base: InspectedBase, platforms: Sequence[str], asked: Sequence[str]
) -> Iterator[DebianPackage]:
    stated = {base.asked[name]: name for name in asked if name in base.asked}
    found: dict[tuple[str, str], list[str]] = {}
    for platform in platforms:
        for package in base.packages.get(platform, {}).items():
            found.setdefault(package, []).append(platform)
    for (name, version), having in sorted(found.items()):
        yield DebianPackage(name, version, tuple(having), stated.get(name, ""))


def _application(target: Target, known: TargetFacts, lower: ImagePlan | None) -> Application:
    image = target.variant
    # The sources may be in folders of the image that this one builds on.
    inherited = lower.application.directories if lower else ()
    programs = programs_of(target)
    own = (target.workdir,) if image.writable_workdir else ()
    directories = tuple(dict.fromkeys((*inherited, *own, *image.directories, *image.volumes)))
    return Application(
        known.context.sources,
        account=target.account,
        directories=directories,
        files=placed_files(target, known, directories),
        prestart=programs.prestart,
        interpolated=programs.interpolated,
        becomes=programs.becomes,
        writable=image.writable_workdir,
        steps=tuple(
            Step(step.run, step.output, tuple(step.env.items()), step.cache) for step in image.steps
        ),
    )


def _build_args(image: Variant, packages: Packages) -> tuple[tuple[str, str], ...]:
    # Wheels that were built with them are known by their own digests.
    used = image.steps or packages.compiles
    return tuple(image.args.items()) if used else ()


def _warnings(
    target: Target, known: TargetFacts, compiled: Sequence[Compilation], *, compiles: bool
) -> Iterator[str]:
    image = target.variant
    if not (known.lock or known.local or image.requirements or target.parent):
        yield (
            f"{target.image}: no requirements were found in '{image.context}', so nothing is "
            "installed; name a set of them, or write 'requirements: none'"
        )
    if image.args and not (image.steps or compiles or known.local):
        yield (
            f"{target.image}: 'args' are for steps, and for packages that are compiled or built "
            "here; there are none"
        )
    for platform, cross in known.cross.items():
        if cross.unexpected:
            yield (
                f"{target.image}: packages without a wheel for {platform} are compiled under "
                f"emulation: {cross.why}"
            )
    for name in image.emulate:
        if not any(one.name == name for one in compiled):
            yield f"{target.image}: 'emulate' names {name}, which is not compiled"
    for name in image.args:
        if is_secret_name(name):
            yield (
                f"{target.image}: the build argument '{name}' is named like a secret, and is not "
                "kept like one: the plan and the Dockerfile show it"
            )
