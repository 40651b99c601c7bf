"""The stages that install Python packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import (
    InstallPackages,
    LayerKind,
    Machine,
    Requirements,
    Wheels,
)
from nox_buildkit.plan.packages import Package, PlatformPackages, StepPackages
from nox_buildkit.plan.stages import ByArchitecture, Stage


@dataclass(frozen=True, slots=True)
class _Kind:
    """Packages with machine code that are a layer: those ``of`` a platform."""

    name: str
    prefix: str
    of: Callable[[PlatformPackages], tuple[Package, ...]]
    layer: LayerKind
    purpose: str

    @property
    def stage(self) -> str:
        return f"{self.prefix}-{self.name}"

    @property
    def crossed(self) -> str:
        return f"{self.prefix}-crossed"

    @property
    def on_target(self) -> str:
        return f"{self.prefix}-on-target"


_NATIVE = _Kind(
    "native",
    "deps",
    lambda one: one.others,
    "native",
    "Packages with machine code: wheels of the target platform, which need not run for it.\n"
    "The environment's own files are in the layer before.",
)
#: A layer of its own, since it changes with the sources.
_OWN = _Kind(
    "native",
    "own",
    lambda one: one.own,
    "app",
    "Packages with machine code that no index has, compiled for the target platform.",
)


def package_stages(image: ImagePlan) -> Iterator[Stage]:
    """Yield the stages whose layers have the packages of ``image``."""
    if image.packages:
        yield _pure(image)
    if _has(image, _NATIVE):
        yield from _native(image, _NATIVE)
    if image.packages.local:
        yield _local(image)
    if _has(image, _OWN):
        yield from _native(image, _OWN)


def package_layers(image: ImagePlan) -> tuple[str, ...]:
    """Return the stages of `package_stages` whose layers are copied, the lowest first."""
    present = {
        "deps-pure": bool(image.packages),
        _NATIVE.stage: _has(image, _NATIVE),
        "deps-local": bool(image.packages.local),
        _OWN.stage: _has(image, _OWN),
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


def _has(image: ImagePlan, kind: _Kind) -> bool:
    return any(kind.of(one) for one in image.packages.platforms)


def _native(image: ImagePlan, kind: _Kind) -> Iterator[Stage]:
    packages = image.packages
    on_target = packages.installed_on_target
    crossed = [one for one in packages.platforms if one.platform not in on_target]
    if crossed:
        yield _crossed(image, kind, crossed, kind.crossed if on_target else kind.stage)
    if not on_target:
        return
    yield Stage(
        kind.on_target,
        image.bases.build_name,
        (_install_native(image, kind, "target"),),
        "The same on the platform itself, for those that uv does not know from elsewhere.",
        kind.layer,
        "target",
        on_target,
    )
    aliases = tuple(
        (
            PLATFORMS[one.platform].architecture,
            kind.on_target if one.platform in on_target else kind.crossed,
        )
        for one in packages.platforms
    )
    parent = ByArchitecture(kind.prefix, "target", aliases)
    yield Stage(kind.stage, parent, layer=kind.layer, machine="target")


def _crossed(
    image: ImagePlan, kind: _Kind, platforms: Sequence[PlatformPackages], name: str
) -> Stage:
    cross = tuple((one.platform, one.wheel_platform) for one in platforms)
    install = _install_native(image, kind, "build", cross)
    return Stage(name, operations=(install,), purpose=kind.purpose, layer=kind.layer)


def _install_native(
    image: ImagePlan, kind: _Kind, machine: Machine, cross: tuple[tuple[str, str], ...] = ()
) -> InstallPackages:
    platforms = image.packages.platforms
    lists = tuple(
        (one.platform, tuple(package for package in kind.of(one) if not package.compiled))
        for one in platforms
    )
    compiled = _compiled(
        "wheels",
        "rest",
        (package for one in platforms for package in kind.of(one) if package.compiled),
    )
    requirements = Requirements(kind.name, lists, "target")
    return InstallPackages(requirements, machine, cross, compiled, environment=False)


def _with_wheels(
    platforms: Sequence[StepPackages],
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
