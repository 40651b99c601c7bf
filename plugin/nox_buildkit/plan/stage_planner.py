"""The stages of an image, decided from its packages, application and bases."""

from __future__ import annotations

from collections.abc import Iterator

from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import (
    AddDebianPackages,
    CollectOutputs,
    Configure,
    CopyLayer,
    CopySources,
    EnterWorkdir,
    LinkInterpreter,
    Operation,
    PlaceFiles,
    Placement,
    RunStep,
    SetEnvironment,
)
from nox_buildkit.plan.package_stages import package_layers, package_stages, step_packages_stage
from nox_buildkit.plan.stages import DEBIAN, TAKEN, ByArchitecture, Stage
from nox_buildkit.plan.start_programs import with_values
from nox_buildkit.plan.wheel_stages import wheel_stages


def stages_of(image: ImagePlan) -> tuple[Stage, ...]:
    """Return every stage of ``image`` in an order in which each one follows those that it reads."""
    return tuple(_stages(image))


def _stages(image: ImagePlan) -> Iterator[Stage]:
    yield Stage("build", image.bases.build_name)
    if image.debian.added:
        yield _debian(image)
    yield from wheel_stages(image)
    yield from package_stages(image)
    for number in image.application.taken_images.values():
        yield Stage(
            f"{TAKEN}{number}",
            f"from-{number}",
            purpose="An image that files are taken from, for the platform of the image.",
            machine="target",
        )
    if image.application.writable:
        yield _surroundings(image)
    yield _app(image)
    if image.packages.steps:
        yield step_packages_stage(image)
    if image.application.steps:
        yield from _steps(image)
    if not image.application.writable:
        yield _surroundings(image)
    yield _final(image)
    if image.variants:
        yield _platforms(image)


def _app(image: ImagePlan) -> Stage:
    owned = image.application.writable
    who = "which belong to the user" if owned else "readable by every user and writable by none"
    purpose = f"The sources, {who}, with their byte code."
    return Stage("app", operations=(CopySources(owned),), purpose=purpose, layer="app")


def _steps(image: ImagePlan) -> Iterator[Stage]:
    packages, steps = image.packages, image.application.steps
    environment = bool(packages) or bool(packages.steps)
    operations: list[Operation] = []
    if image.debian.steps:
        operations.append(AddDebianPackages(image.debian.steps, "build"))
    copied = [stage for stage in package_layers(image) if not stage.endswith("-native")]
    copied += ["deps-steps"] if packages.steps else []
    operations += map(CopyLayer, (*copied, "app"))
    if image.bases.builder and environment:
        operations.append(LinkInterpreter())
    operations += [EnterWorkdir(), SetEnvironment(environment)]
    operations += [RunStep(number, step) for number, step in enumerate(steps)]
    yield Stage(
        "stepped",
        "step-base" if image.bases.steps else "build",
        tuple(operations),
        "Files that the application makes, once, on the machine that builds.",
    )
    paths = tuple(dict.fromkeys(path for step in steps for path in step.output))
    yield Stage(
        "steps",
        operations=(CollectOutputs("stepped", paths, image.application.writable),),
        purpose="What they made, taken by programs that they could not change.",
        layer="app",
    )


def _surroundings(image: ImagePlan) -> Stage:
    application = image.application
    placement = Placement(
        image.owner,
        application.account,
        application.directories,
        application.files,
        application.taken,
        tuple(with_values(image, program) for program in application.prestart),
        application.interpolated,
        becomes=bool(application.becomes),
        workdir=image.config.workdir if application.writable else "",
    )
    return Stage(
        "surroundings",
        operations=(PlaceFiles(placement, _below(image)),),
        purpose="A name for the user, since much software asks for it; its folders; placed files.",
        layer="app",
    )


def _below(image: ImagePlan) -> str:
    """Return what has the accounts and the folders that an image begins with."""
    if image.debian.added:
        # Packages bring users, and folders of these.
        return DEBIAN
    return "base" if image.bases.builder else ""


def _debian(image: ImagePlan) -> Stage:
    operation = AddDebianPackages(image.debian.added, "target")
    platforms = tuple(one.platform for one in image.packages.platforms)
    return Stage(DEBIAN, "base", (operation,), machine="target", on_target=platforms)


def _final(image: ImagePlan) -> Stage:
    operations: list[Operation] = [EnterWorkdir()]
    operations += map(CopyLayer, package_layers(image))
    operations.append(CopyLayer("app"))
    if image.application.steps:
        operations.append(CopyLayer("steps"))
    # Above the sources, whose folders belong to root.
    operations.append(CopyLayer("surroundings"))
    # A base with a virtual environment has it on PATH already.
    path = bool(image.packages) and not image.packages.extend_base
    operations += [SetEnvironment(path), Configure()]
    parent = DEBIAN if image.debian.added else "base"
    return Stage("final", parent, tuple(operations), machine="target")


def _platforms(image: ImagePlan) -> Stage:
    """Return the stage that takes each platform from the variant that it belongs to."""
    own = [(PLATFORMS[one.platform].architecture, "final") for one in image.packages.platforms]
    others = [
        (PLATFORMS[one.platform].architecture, variant.name)
        for variant in image.variants
        for one in variant.packages.platforms
    ]
    return Stage(
        "platforms",
        ByArchitecture("final", "target", (*own, *others)),
        purpose="What is different on a platform is a target of its own.",
        machine="target",
    )
