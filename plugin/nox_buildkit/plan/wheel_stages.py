"""The stages that compile packages without a wheel, each package in a stage of its own.

A build backend is foreign code: it has a stage in which it can change nothing that another build
reads, and only the wheel of its own package is taken from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.cross_stages import NOTHING, cross_stages, crossed_platforms
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import (
    AddDebianPackages,
    GatherWheels,
    Machine,
    MakeWheel,
    Operation,
    Requirements,
)
from nox_buildkit.plan.packages import Package
from nox_buildkit.plan.stages import (
    HERE,
    MADE,
    ON_TARGET,
    ByArchitecture,
    Stage,
    compiling_stage,
)


def wheel_stages(image: ImagePlan) -> Iterator[Stage]:
    """Yield every stage that compiles a package, and those that gather what a step installs."""
    packages = image.packages
    shared = packages.compiled_for_all
    here = tuple(dict.fromkeys((*shared, *packages.compiled_for_steps)))
    if here:
        yield _compiler(image, "build", ())
    for package in here:
        # It may have machine code after all; then the target decides whether it can be made.
        yield _package(package, "build", (), optional=package in shared)
    if shared:
        purpose = "Packages without a wheel and without machine code: made once, for all platforms."
        yield _gathered(purpose, "pure-wheels", HERE, shared)
    if packages.compiled_for_steps:
        for one in packages.steps:
            needed = [package for package in one.packages if package.compiled]
            name = f"step-wheels-{PLATFORMS[one.platform].architecture}"
            yield _gathered(f"For steps on {one.platform}.", name, HERE, needed)
        yield Stage("step-wheels", ByArchitecture("step-wheels", "build"))
    if packages.compiled_platforms:
        yield from _on_targets(image, shared)


def _on_targets(image: ImagePlan, shared: Sequence[Package]) -> Iterator[Stage]:
    by_platform = {one.platform: one.compiled for one in image.packages.platforms}
    yield _compiler(image, "target", image.packages.compiled_platforms)
    by_package = {
        package: tuple(name for name, packages in by_platform.items() if package in packages)
        for package in dict.fromkeys(x for packages in by_platform.values() for x in packages)
    }
    crossings = {x: crossed_platforms(image, x, names) for x, names in by_package.items()}
    some = (x for x, names in by_package.items() if 0 < len(crossings[x]) < len(names))
    if any(package not in shared for package in some):
        yield Stage(NOTHING, "scratch", (GatherWheels(()),), machine="target")
    for package, platforms in by_package.items():
        # What a step needs may be pure, too; then nobody takes it from there.
        made = compiling_stage(HERE, package) if package in shared else ""
        crossed = crossings[package]
        if crossed:
            yield from cross_stages(package, platforms, crossed, made)
            made = compiling_stage(MADE, package)
        yield _package(package, "target", platforms, made=made)
    for platform, packages in by_platform.items():
        name = f"wheels-{PLATFORMS[platform].architecture}"
        yield _gathered(f"What {platform} has compiled.", name, ON_TARGET, packages)
    yield Stage("wheels", ByArchitecture("wheels", "target"), machine="target")


def _compiler(image: ImagePlan, machine: Machine, platforms: tuple[str, ...]) -> Stage:
    names = image.debian.compiler
    operations: tuple[Operation, ...] = (AddDebianPackages(names, machine),) if names else ()
    where = "the machine that builds" if machine == "build" else "the target platform"
    return Stage(
        _compiler_stage(machine),
        "compiler",
        operations,
        f"What compiles, on {where}.",
        machine=machine,
        on_target=platforms,
    )


def _compiler_stage(machine: Machine) -> str:
    return "compile-here" if machine == "build" else "compile"


def _package(
    package: Package,
    machine: Machine,
    platforms: tuple[str, ...],
    *,
    optional: bool = False,
    made: str = "",
) -> Stage:
    prefix = HERE if machine == "build" else ON_TARGET
    operation = MakeWheel(
        Requirements("sdist", (("", (package,)),)),
        machine,
        optional,
        made,
    )
    return Stage(
        compiling_stage(prefix, package),
        _compiler_stage(machine),
        (operation,),
        machine=machine,
        on_target=platforms,
    )


def _gathered(purpose: str, stage: str, prefix: str, packages: Sequence[Package]) -> Stage:
    taken = tuple((package.name, compiling_stage(prefix, package)) for package in packages)
    machine: Machine = "target" if prefix == ON_TARGET else "build"
    return Stage(stage, "scratch", (GatherWheels(taken),), purpose, machine=machine)
