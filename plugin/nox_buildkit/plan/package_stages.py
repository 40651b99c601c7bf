"""The stages that install Python packages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import InstallPackages, Machine, Requirements, Wheels
from nox_buildkit.plan.packages import Package, PlatformPackages, StepPackages
from nox_buildkit.plan.stages import ByArchitecture, Stage


def package_stages(image: ImagePlan) -> Iterator[Stage]:
    """Yield the stages whose layers have the packages of ``image``."""
    if image.packages:
        yield _pure(image)
    if image.packages.native:
        yield from _native(image)
    if image.packages.local:
        yield _local(image)


def package_layers(image: ImagePlan) -> tuple[str, ...]:
    """Return the stages of `package_stages` whose layers are copied, the lowest first."""
    present = {
        "deps-pure": bool(image.packages),
        "deps-native": image.packages.native,
        "deps-local": bool(image.packages.local),
    }
    return tuple(stage for stage, is_present in present.items() if is_present)


def _pure(image: ImagePlan) -> Stage:
    packages = image.packages
    install = InstallPackages(
        Requirements("pure", (("", packages.pure),)),
        "build",
        compiled=_compiled("pure-wheels", "any", packages.compiled_for_all),
    )
    return Stage(
        "deps-pure",
        operations=(install,),
        purpose="Packages without machine code: installed once, one layer for all platforms.",
        layer="pure",
    )


def _local(image: ImagePlan) -> Stage:
    requirements = Requirements("local", (("", image.packages.local),))
    return Stage(
        "deps-local",
        operations=(InstallPackages(requirements, "build", environment=False),),
        purpose="Packages that no index has, which change with the sources: "
        "one layer for all platforms.",
        layer="app",
    )


def _compiled(
    stage: str, kind: Literal["any", "rest", "all"], packages: Iterable[Package]
) -> Wheels | None:
    names = tuple(sorted({package.name for package in packages}))
    return Wheels(stage, kind, names) if names else None


def _native(image: ImagePlan) -> Iterator[Stage]:
    packages = image.packages
    on_target = packages.installed_on_target
    crossed = [one for one in packages.platforms if one.platform not in on_target]
    if crossed:
        yield _crossed(image, crossed, "deps-crossed" if on_target else "deps-native")
    if not on_target:
        return
    yield Stage(
        "deps-on-target",
        image.bases.build_name,
        (_install_native(image, "target"),),
        "The same on the platform itself, for those that uv does not know from elsewhere.",
        "native",
        "target",
        on_target,
    )
    aliases = tuple(
        (
            PLATFORMS[one.platform].architecture,
            "deps-on-target" if one.platform in on_target else "deps-crossed",
        )
        for one in packages.platforms
    )
    parent = ByArchitecture("deps", "target", aliases)
    yield Stage("deps-native", parent, layer="native", machine="target")


def _crossed(image: ImagePlan, platforms: Sequence[PlatformPackages], name: str) -> Stage:
    cross = tuple((one.platform, one.wheel_platform) for one in platforms)
    return Stage(
        name,
        operations=(_install_native(image, "build", cross),),
        purpose="Packages with machine code: wheels of the target platform, "
        "which need not run for it.\n"
        "The environment's own files are in the layer before.",
        layer="native",
    )


def _install_native(
    image: ImagePlan, machine: Machine, cross: tuple[tuple[str, str], ...] = ()
) -> InstallPackages:
    platforms = image.packages.platforms
    requirements = Requirements("native", _with_wheels(platforms), "target")
    compiled = _compiled(
        "wheels", "rest", (package for one in platforms for package in one.compiled)
    )
    return InstallPackages(requirements, machine, cross, compiled, environment=False)


def _with_wheels(
    platforms: Sequence[PlatformPackages | StepPackages],
) -> tuple[tuple[str, tuple[Package, ...]], ...]:
    """Return the packages of each platform that have a wheel."""
    return tuple(
        (one.platform, tuple(package for package in one.packages if not package.compiled))
        for one in platforms
    )


def step_packages_stage(image: ImagePlan) -> Stage:
    """Return the stage with what the machine that runs steps needs besides."""
    packages = image.packages
    install = InstallPackages(
        Requirements("steps", _with_wheels(packages.steps), "build"),
        "build",
        compiled=_compiled("step-wheels", "all", packages.compiled_for_steps),
    )
    return Stage(
        "deps-steps",
        operations=(install,),
        purpose="Packages with machine code for the machine that builds.",
    )
