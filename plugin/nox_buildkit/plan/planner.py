"""Spec and facts in, plan out. Nothing here looks at the outside."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.image import Variant
from nox_buildkit.buildspec.model.targets import Target, targets_of, with_images_below
from nox_buildkit.errors import PlanError, Problem
from nox_buildkit.plan.configuration import config_of, starts_below, starts_of
from nox_buildkit.plan.facts import BaseFacts, Facts, TargetFacts
from nox_buildkit.plan.model import ImagePlan, Plan
from nox_buildkit.plan.package_selection import Selection, less_installed, select_packages
from nox_buildkit.plan.parts import (
    Application,
    Base,
    DebianPackage,
    File,
    Package,
    PlacedFile,
    PlatformPlan,
    Step,
    StepPackages,
    with_group,
)
from nox_buildkit.plan.tags import tags_for
from nox_buildkit.plan.wheel_platforms import PLATFORMS, Libc, Platform, uv_platform

#: Where the virtual environment lies in every image.
VENV = "/opt/venv"


def make_plan(
    spec: BuildSpec, facts: Facts, *, images: Sequence[str] = (), platforms: Sequence[str] = ()
) -> Plan:
    """Plan ``images`` (default: all) for ``platforms`` (default: what the spec says).

    Raises PlanError with every problem of every image.
    """
    problems: list[Problem] = []
    asked = tuple(images or spec.images)
    made: dict[str, ImagePlan] = {}
    for name in with_images_below(spec, asked, platforms):
        try:
            made[name] = _plan_image(name, spec, facts, platforms, made)
        except PlanError as error:
            problems += error.located(spec.location("images", name)).problems
    if problems:
        raise PlanError(*problems)
    below = tuple(image for name, image in made.items() if name not in asked)
    groups = tuple((n, each) for n, each in spec.groups.items() if set(asked).issuperset(each))
    return Plan(facts.uv, facts.native, tuple(made[name] for name in asked), below, groups)


def _plan_image(
    name: str,
    spec: BuildSpec,
    facts: Facts,
    platforms: Sequence[str],
    made: Mapping[str, ImagePlan],
) -> ImagePlan:
    planned = []
    for target in targets_of(spec, name):
        chosen = [p for p in target.platforms if not platforms or p in platforms]
        if not chosen:
            continue
        if target.below and target.below.image not in made:
            # Its own problems are told.
            raise PlanError()
        planned.append(_plan_target(target, chosen, facts, made))
    first, *others = planned
    known = facts.targets[targets_of(spec, name)[0].name]
    tags = spec.images[name].tags
    return replace(
        first,
        name=name,
        variants=tuple(others),
        tags=tags_for(tags, known.context.version, facts.git.revision if facts.git else ""),
        repository=f"{spec.registry}/{name}" if spec.registry else None,
    )


def _plan_target(
    target: Target, chosen: Sequence[str], facts: Facts, made: Mapping[str, ImagePlan]
) -> ImagePlan:
    image, known = target.variant, facts.targets[target.name]
    below = made[target.below.image].on(chosen[0]) if target.below else None
    _check_base(known.base, chosen)
    _check_base(known.builder or known.base, facts.native)
    libc = known.base.libc
    if libc is None:
        raise PlanError(Problem(f"nothing is known of base '{known.base.name}'", "take another"))
    installed = _installed(below) if below else {}
    selection = _selection(target, chosen, facts, libc)
    if installed:
        selection = less_installed(selection, installed, known.base.name)
    start = starts_below(known.base, below)
    config = config_of(target, facts, below, start)
    return ImagePlan(
        name=target.name,
        generator=facts.generator,
        base=_base(known.base, made[target.below.image] if target.below else None),
        builder=_base(known.builder) if known.builder else None,
        compiler=_base(known.compiler) if known.compiler else None,
        debian=tuple(_debian(known.base, chosen, _apt_of(target))),
        # Base debian has them already.
        apt=image.apt if known.base.apt else (),
        build_apt=known.build_apt,
        libc=libc,
        uv=facts.uv,
        python=image.python,
        lock=known.lock.path if known.lock else None,
        index=known.lock.index if known.lock else None,
        extra_indexes=known.lock.extra_indexes if known.lock else (),
        pure=tuple(package for package in selection.pure if not package.path),
        own=tuple(package for package in selection.pure if package.path),
        platforms=tuple(
            PlatformPlan(
                platform,
                uv_platform(PLATFORMS[platform], libc),
                selection.native.get(platform, ()),
                installed.get(platform, ()),
            )
            for platform in chosen
        ),
        application=Application(
            known.context.folder,
            tuple(File(f.path, f.size, f.digest) for f in known.context.files),
            known.context.ignored,
        ),
        # Its own sources may lie in folders of what it builds on.
        directories=tuple(
            dict.fromkeys(
                (*(below.directories if below else ()), *image.directories, *image.volumes)
            )
        ),
        files=tuple(_placed(image, known)),
        prestart=image.prestart,
        steps=tuple(
            Step(step.run, step.output, tuple(step.env.items()), step.cache) for step in image.steps
        ),
        step_packages=_step_packages(target, facts, selection),
        step_apt=_apt_of(target) if image.steps and known.base.apt else (),
        config=config,
        starts=starts_of(config, start),
        tags=(),
        repository=None,
        warnings=(*known.base.warnings, *known.context.warnings, *_warnings(target, known)),
    )


def _selection(target: Target, chosen: Sequence[str], facts: Facts, libc: Libc) -> Selection:
    known = facts.targets[target.name]
    coverage = dict(known.lock.coverage) if known.lock else {}
    among = list(target.platforms)
    for other in targets_of(target.spec, target.image):
        there = facts.targets[other.name]
        if known.lock and there.lock and _are_alike(target, known, other, there):
            coverage |= there.lock.coverage
            among += other.platforms
    return select_packages(
        coverage,
        [PLATFORMS[p] for p in chosen],
        known.base.full_python or target.variant.python,
        libc,
        known.local,
        compiles=known.compiler is not None,
        among=[PLATFORMS[p] for p in among],
    )


def _are_alike(one: Target, first: TargetFacts, other: Target, second: TargetFacts) -> bool:
    """Whether two targets of an image choose from the same files."""
    return (
        first.lock is not None
        and second.lock is not None
        and first.lock.path == second.lock.path
        and first.local == second.local
        and (one.variant.python, first.base.libc) == (other.variant.python, second.base.libc)
    )


def _debian(
    base: BaseFacts, platforms: Sequence[str], asked: Sequence[str]
) -> Iterator[DebianPackage]:
    stated = {base.asked[name]: name for name in asked if name in base.asked}
    where: dict[tuple[str, str], list[str]] = {}
    for platform in platforms:
        for package in base.packages.get(platform, {}).items():
            where.setdefault(package, []).append(platform)
    for (name, version), there in sorted(where.items()):
        yield DebianPackage(name, version, tuple(there), stated.get(name, ""))


def _apt_of(target: Target) -> tuple[str, ...]:
    """Debian packages that the target and what it builds on have."""
    return tuple(dict.fromkeys(name for one in target.chain for name in one.variant.apt))


def _warnings(target: Target, known: TargetFacts) -> Iterator[str]:
    image = target.variant
    if not (known.lock or known.local or image.requirements or target.below):
        yield (
            f"{target.image}: no requirements were found in '{image.context}', so nothing is "
            "installed; name a set of them, or write 'requirements: none'"
        )


def _installed(image: ImagePlan) -> dict[str, tuple[Package, ...]]:
    """All packages of ``image`` by platform, those of its base included."""
    return {
        one.platform: (*one.installed, *image.pure, *image.own, *one.packages)
        for one in image.platforms
    }


def _step_packages(target: Target, facts: Facts, selection: Selection) -> tuple[StepPackages, ...]:
    """What the machines that build need to run the target's steps, less what is shared."""
    if not target.variant.steps:
        return ()
    found = (
        StepPackages(platform, _packages_on(PLATFORMS[platform], target, facts, selection))
        for platform in facts.native
    )
    every = tuple(found)
    return every if any(one.packages for one in every) else ()


def _packages_on(
    native: Platform, target: Target, facts: Facts, selection: Selection
) -> tuple[Package, ...]:
    found: dict[str, Package] = {}
    compiles = facts.targets[target.name].compiler is not None
    for here in target.chain:
        known = facts.targets[here.name]
        libc = known.base.libc
        coverage = known.lock.coverage if known.lock else {}
        if libc:
            there = select_packages(
                coverage,
                [native],
                known.base.full_python or here.variant.python,
                libc,
                known.local,
                compiles=compiles,
            )
            for package in (*there.pure, *there.native[native.oci]):
                found.setdefault(package.name, package)
    return tuple(package for package in found.values() if package not in selection.pure)


def _base(known: BaseFacts, below: ImagePlan | None = None) -> Base:
    # An image of the same plan is not there yet; what it will be follows from its own plan.
    digest = below.digest if below else known.digest
    origin = _origin_of(below) if below else known.origin or known.digest
    return Base(known.name, digest, known.context, known.interpreter, origin)


def _origin_of(image: ImagePlan) -> str:
    """That of its base, and of every package that can run when its Python starts."""
    every = {x.sha256 for one in _installed(image).values() for x in one}
    text = " ".join((image.base.origin, *sorted(every), *image.apt))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _check_base(base: BaseFacts, needed: Sequence[str]) -> None:
    missing = [p for p in dict.fromkeys(needed) if p not in base.platforms]
    if missing:
        raise PlanError(
            Problem(
                f"base '{base.name}' has no {' and no '.join(missing)}",
                f"it has {', '.join(sorted(base.platforms)) or 'nothing'}; "
                "take another base, or leave the platform out",
            )
        )


def _placed(image: Variant, known: TargetFacts) -> Iterator[PlacedFile]:
    for file, source in zip(image.files, known.files, strict=True):
        path = f"{known.context.folder}/{source.path}"
        yield PlacedFile(
            file.target, file.mode, with_group(file.owner), source.size, source.digest, path
        )
