"""The stages of an image, decided from its packages, application and bases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import (
    AddDebianPackages,
    CollectOutputs,
    Configure,
    CopyLayer,
    CopySources,
    EnterWorkdir,
    InstallPackages,
    LinkInterpreter,
    Operation,
    PlaceFiles,
    Placement,
    Requirements,
    RunStep,
    SetEnvironment,
    Wheels,
)
from nox_buildkit.plan.packages import Package, PlatformPackages, StepPackages
from nox_buildkit.plan.stages import ByArchitecture, Stage
from nox_buildkit.plan.wheel_platforms import PLATFORMS
from nox_buildkit.plan.wheel_stages import wheel_stages


def stages_of(image: ImagePlan) -> tuple[Stage, ...]:
    """Return every stage of ``image`` in an order in which each one follows those that it reads."""
    return tuple(_stages(image))


def _stages(image: ImagePlan) -> Iterator[Stage]:
    yield Stage("build", _builder(image), "build")
    yield from wheel_stages(image)
    if image.packages:
        yield _pure(image)
    if image.packages.native:
        yield from _native(image)
    if image.packages.local:
        yield _local(image)
    yield Stage(
        "app",
        "build",
        "build",
        (CopySources(),),
        ("The sources, readable by every user and writable by none, with their byte code.",),
        "app",
    )
    if image.packages.steps:
        yield _step_packages(image)
    if image.application.steps:
        yield from _steps(image)
    yield _surroundings(image)
    yield _final(image)
    if image.variants:
        yield _platforms(image)


def _builder(image: ImagePlan) -> str:
    return "builder" if image.bases.builder else "base"


def _pure(image: ImagePlan) -> Stage:
    packages = image.packages
    install = InstallPackages(
        Requirements("pure", (("", packages.pure),)),
        "build",
        compiled=_compiled("pure-wheels", "any", packages.compiled_for_all),
    )
    return Stage(
        "deps-pure",
        "build",
        "build",
        (install,),
        ("Packages without machine code: installed once, one layer for all platforms.",),
        "pure",
    )


def _local(image: ImagePlan) -> Stage:
    requirements = Requirements("local", (("", image.packages.local),))
    return Stage(
        "deps-local",
        "build",
        "build",
        (InstallPackages(requirements, "build", environment=False),),
        (
            "Packages that no index has, which change with the sources: "
            "one layer for all platforms.",
        ),
        "app",
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
    requirements = Requirements("native", with_wheels(packages.platforms), "target")
    compiled = _compiled(
        "wheels", "rest", (package for one in packages.platforms for package in one.compiled)
    )
    if crossed:
        cross = tuple((one.platform, one.wheel_platform) for one in crossed)
        yield Stage(
            "deps-crossed" if on_target else "deps-native",
            "build",
            "build",
            (InstallPackages(requirements, "build", cross, compiled, environment=False),),
            (
                "Packages with machine code: wheels of the target platform, "
                "which need not run for it.",
                "The environment's own files are in the layer before.",
            ),
            "native",
        )
    if not on_target:
        return
    yield Stage(
        "deps-on-target",
        _builder(image),
        "target",
        (InstallPackages(requirements, "target", (), compiled, environment=False),),
        ("The same on the platform itself, for those that uv does not know from elsewhere.",),
        "native",
        on_target,
    )
    aliases = tuple(
        (
            PLATFORMS[one.platform].architecture,
            "deps-on-target" if one.platform in on_target else "deps-crossed",
        )
        for one in packages.platforms
    )
    yield Stage("deps-native", ByArchitecture("deps", "target", aliases), "target", layer="native")


def with_wheels(
    platforms: Sequence[PlatformPackages | StepPackages],
) -> tuple[tuple[str, tuple[Package, ...]], ...]:
    """Return the packages of each platform that have a wheel."""
    return tuple(
        (one.platform, tuple(package for package in one.packages if not package.compiled))
        for one in platforms
    )


def _step_packages(image: ImagePlan) -> Stage:
    packages = image.packages
    install = InstallPackages(
        Requirements("steps", with_wheels(packages.steps), "build"),
        "build",
        compiled=_compiled("step-wheels", "all", packages.compiled_for_steps),
    )
    return Stage(
        "deps-steps",
        "build",
        "build",
        (install,),
        ("Packages with machine code for the machine that builds.",),
    )


def _steps(image: ImagePlan) -> Iterator[Stage]:
    packages, steps = image.packages, image.application.steps
    environment = bool(packages) or bool(packages.steps)
    operations: list[Operation] = []
    if image.debian.steps:
        operations.append(AddDebianPackages(image.debian.steps, "build"))
    copied = [*_package_layers(image, "deps-pure", "deps-local")]
    copied += ["deps-steps"] if packages.steps else []
    operations += map(CopyLayer, (*copied, "app"))
    if image.bases.builder and environment:
        operations.append(LinkInterpreter())
    operations += [EnterWorkdir(), SetEnvironment(environment)]
    operations += [RunStep(number, step) for number, step in enumerate(steps)]
    yield Stage(
        "stepped",
        "build",
        "build",
        tuple(operations),
        ("Files that the application makes, once, on the machine that builds.",),
    )
    paths = tuple(dict.fromkeys(path for step in steps for path in step.output))
    yield Stage(
        "steps",
        "build",
        "build",
        (CollectOutputs("stepped", paths),),
        ("What they made, taken by programs that they could not change.",),
        "app",
    )


def _package_layers(image: ImagePlan, *stages: str) -> Iterator[str]:
    """Those of ``stages`` that the image has, of the stages that install its packages."""
    present = {
        "deps-pure": bool(image.packages),
        "deps-native": image.packages.native,
        "deps-local": bool(image.packages.local),
    }
    return (stage for stage in stages if present[stage])


def _surroundings(image: ImagePlan) -> Stage:
    application = image.application
    placement = Placement(
        image.config.user, application.directories, application.files, application.prestart
    )
    return Stage(
        "surroundings",
        "build",
        "build",
        (PlaceFiles(placement, base_is_mounted=bool(image.bases.builder)),),
        ("A name for the user, since much software asks for it; its folders; placed files.",),
        "app",
    )


def _final(image: ImagePlan) -> Stage:
    operations: list[Operation] = []
    added = image.debian.added
    if added:
        operations.append(AddDebianPackages(added, "target"))
    operations.append(EnterWorkdir())
    operations += map(CopyLayer, _package_layers(image, "deps-pure", "deps-native", "deps-local"))
    operations.append(CopyLayer("app"))
    if image.application.steps:
        operations.append(CopyLayer("steps"))
    # Above the sources, whose folders belong to root.
    operations.append(CopyLayer("surroundings"))
    # A base with a virtual environment has it on PATH already.
    path = bool(image.packages) and not image.packages.extend_base
    operations += [SetEnvironment(path), Configure()]
    platforms = tuple(one.platform for one in image.packages.platforms)
    return Stage("final", "base", "target", tuple(operations), on_target=platforms if added else ())


def _platforms(image: ImagePlan) -> Stage:
    """The stage that takes each platform from the variant that it belongs to."""
    own = [(PLATFORMS[one.platform].architecture, "final") for one in image.packages.platforms]
    others = [
        (PLATFORMS[one.platform].architecture, variant.name)
        for variant in image.variants
        for one in variant.packages.platforms
    ]
    return Stage(
        "platforms",
        ByArchitecture("final", "target", (*own, *others)),
        "target",
        purpose=("What is different on a platform is a target of its own.",),
    )
