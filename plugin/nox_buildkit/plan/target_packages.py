"""The Python packages of one target: for each platform, and for the machines that build."""

from __future__ import annotations

from collections.abc import Sequence

from nox_buildkit.buildspec.model.targets import Target, targets_of
from nox_buildkit.oci.platform import PLATFORMS, KnownPlatform
from nox_buildkit.plan.facts import Facts, InspectedBase, TargetFacts
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.package_selection import Selection, less_installed, select_packages
from nox_buildkit.plan.packages import Package, Packages, PlatformPackages, StepPackages
from nox_buildkit.plan.wheel_platforms import uv_platform


def packages_of(
    target: Target,
    chosen: Sequence[str],
    facts: Facts,
    base: InspectedBase,
    parent: ImagePlan | None,
) -> Packages:
    """Select the packages of ``target`` for the platforms ``chosen``.

    ``parent``: the image of the plan that is its base. Raises PlanError.
    """
    installed = parent.packages.of_every_platform() if parent else {}
    selection = _selection(target, chosen, facts, base)
    if installed:
        selection = less_installed(selection, installed, base.name)
    return Packages(
        pure=tuple(package for package in selection.pure if not package.path),
        local=tuple(package for package in selection.pure if package.path),
        platforms=tuple(
            PlatformPackages(
                platform,
                uv_platform(PLATFORMS[platform], base.libc),
                selection.native.get(platform, ()),
                installed.get(platform, ()),
            )
            for platform in chosen
        ),
        steps=_step_packages(target, facts, selection),
        sources=selection.sources,
    )


def _selection(
    target: Target, chosen: Sequence[str], facts: Facts, base: InspectedBase
) -> Selection:
    known = facts.targets[target.name]
    coverage = dict(known.lock.coverage) if known.lock else {}
    among = list(target.platforms)
    for other in targets_of(target.spec, target.image):
        others = facts.targets[other.name]
        if known.lock and others.lock and _choose_alike(target, known, other, others):
            coverage |= others.lock.coverage
            among += other.platforms
    return select_packages(
        coverage,
        [PLATFORMS[p] for p in chosen],
        base.full_python or target.variant.python,
        base.libc,
        known.local,
        compiles=known.compiler is not None,
        among=[PLATFORMS[p] for p in among],
    )


def _choose_alike(one: Target, first: TargetFacts, other: Target, second: TargetFacts) -> bool:
    """Tell whether two targets of an image choose from the same files."""
    return (
        first.lock is not None
        and second.lock is not None
        and first.lock.path == second.lock.path
        and first.local == second.local
        and isinstance(first.base, InspectedBase)
        and isinstance(second.base, InspectedBase)
        and (one.variant.python, first.base.libc) == (other.variant.python, second.base.libc)
    )


def _step_packages(target: Target, facts: Facts, selection: Selection) -> tuple[StepPackages, ...]:
    """Return what the machines that build need to run the steps, less what is shared."""
    if not target.variant.steps:
        return ()
    found = (
        StepPackages(platform, _packages_on(PLATFORMS[platform], target, facts, selection))
        for platform in facts.native
    )
    every = tuple(found)
    return every if any(one.packages for one in every) else ()


def _packages_on(
    native: KnownPlatform, target: Target, facts: Facts, selection: Selection
) -> tuple[Package, ...]:
    found: dict[str, Package] = {}
    compiles = facts.targets[target.name].compiler is not None
    for one in target.lineage:
        known = facts.targets[one.name]
        if not isinstance(known.base, InspectedBase):
            continue
        selected = select_packages(
            known.lock.coverage if known.lock else {},
            [native],
            known.base.full_python or one.variant.python,
            known.base.libc,
            known.local,
            compiles=compiles,
        )
        for package in (*selected.pure, *selected.native[native.oci]):
            found.setdefault(package.name, package)
    return tuple(package for package in found.values() if package not in selection.pure)
