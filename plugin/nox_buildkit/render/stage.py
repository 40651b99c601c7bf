"""A stage as instructions of a Dockerfile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nox_buildkit.plan.base import cross_name
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import (
    AddDebianPackages,
    CollectOutputs,
    Configure,
    CopyLayer,
    CopySources,
    EnterWorkdir,
    GatherWheels,
    InstallPackages,
    LinkInterpreter,
    MakeWheel,
    Operation,
    PlaceFiles,
    RunStep,
    SetEnvironment,
)
from nox_buildkit.plan.stages import ByArchitecture, Stage
from nox_buildkit.render import quote
from nox_buildkit.render.stages.application import copy_sources, place_files
from nox_buildkit.render.stages.configuration import configure, set_environment
from nox_buildkit.render.stages.debian import add_debian_packages
from nox_buildkit.render.stages.packages import ARCHITECTURE, install_packages
from nox_buildkit.render.stages.steps import collect_outputs, link_interpreter, run_step
from nox_buildkit.render.stages.wheels import gather_wheels, make_wheel

_ROOT = "USER 0:0"
#: Programs of the project and of packages run there, which read build arguments.
_WITH_ARGUMENTS = (MakeWheel, RunStep)
#: In the order in which they are declared.
_ARGUMENTS = ("BUILDARCH", "TARGETARCH", "WORKDIR")


def instructions(image: ImagePlan, stage: Stage) -> list[str]:
    """Return the lines of ``stage``."""
    lines = [f"# {line}" for line in stage.purpose.splitlines()]
    if isinstance(stage.parent, ByArchitecture):
        return [*lines, *_by_architecture(image, stage, stage.parent)]
    images = image.bases.named
    on_build = stage.parent in images and stage.machine == "build"
    machine = "--platform=$BUILDPLATFORM " if on_build else ""
    lines.append(f"FROM {machine}{stage.parent} AS {stage.name}")
    final = stage.name == "final"
    if stage.parent in images and not final:
        # Building in an image takes root, whoever it runs as.
        lines.append(_ROOT)
    needed = {name for operation in stage.operations for name in _arguments(stage, operation)}
    if stage.parent in ("compiler", *map(cross_name, dict(image.bases.cross))):
        # Stages that compile a package read it, or inherit it.
        needed.add(ARCHITECTURE[stage.machine])
    lines += [f"ARG {name}" for name in _ARGUMENTS if name in needed]
    first = next((each for each in stage.operations if isinstance(each, _WITH_ARGUMENTS)), None)
    for operation in stage.operations:
        if operation is first:
            lines += [f"ARG {n}={quote.dockerfile_word(value)}" for n, value in image.build_args]
        lines += _operation(image, stage, operation)
    return lines


def variant_context(variant: ImagePlan) -> str:
    """Return the name of the bake context that is a variant of an image."""
    return variant.platforms[0].replace("/", "-")


def _by_architecture(image: ImagePlan, stage: Stage, parent: ByArchitecture) -> Iterator[str]:
    contexts = {variant.name: variant_context(variant) for variant in image.variants}
    for architecture, name in parent.aliases:
        yield f"FROM {contexts.get(name, name)} AS {parent.prefix}-{architecture}"
    # The last stage is what is built without a name.
    name = "" if stage.name == "platforms" else f" AS {stage.name}"
    yield f"FROM {parent.prefix}-${ARCHITECTURE[parent.machine]}{name}"


def _arguments(stage: Stage, operation: Operation) -> tuple[str, ...]:
    """Return the build arguments that the instructions of ``operation`` use."""
    match operation:
        case InstallPackages():
            return (
                ("BUILDARCH", "TARGETARCH")
                if operation.requirements.machine == "target"
                else ("BUILDARCH",)
            )
        case AddDebianPackages():
            return (ARCHITECTURE[operation.machine],)
        case CopySources() | CollectOutputs():
            return ("WORKDIR",)
        case RunStep():
            # Programs of steps see it, too.
            return ("BUILDARCH", "WORKDIR")
    return ()


def _operation(image: ImagePlan, stage: Stage, operation: Operation) -> list[str]:
    match operation:
        case CopyLayer():
            # The whole tree, so that folders on the way have the times of the stage too.
            return [f"COPY --link --from={operation.stage} /layer/ /"]
        case EnterWorkdir():
            literal = stage.name == "final"
            path = quote.dockerfile_word(image.config.workdir) if literal else "$WORKDIR"
            return [f"WORKDIR {path}"]
    return _RENDERERS[type(operation)](image, operation)


#: One function an operation.
_RENDERERS: Mapping[type[Operation], Callable[[ImagePlan, Any], list[str]]] = {
    InstallPackages: install_packages,
    MakeWheel: make_wheel,
    GatherWheels: gather_wheels,
    AddDebianPackages: add_debian_packages,
    CopySources: copy_sources,
    PlaceFiles: place_files,
    LinkInterpreter: link_interpreter,
    SetEnvironment: set_environment,
    RunStep: run_step,
    CollectOutputs: collect_outputs,
    Configure: configure,
}
