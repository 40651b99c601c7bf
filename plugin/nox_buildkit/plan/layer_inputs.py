"""Everything that a layer is made of, by name: what is compared to say why it is made again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.identity import digest_of
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import (
    AddDebianPackages,
    CollectOutputs,
    Configure,
    CopyLayer,
    CopySources,
    GatherWheels,
    InstallPackages,
    MakeWheel,
    Operation,
    PlaceFiles,
    Placement,
    Requirements,
    RunStep,
    SetEnvironment,
)
from nox_buildkit.plan.stages import DEBIAN, ByArchitecture, Stage

#: The layers of the base and the configuration, which no stage of ours yields.
BASE, CONFIGURATION = "base", "configuration"


class Input(NamedTuple):
    """One input: ``kind`` (base, debian, package, file, step, setting, tool), and its name.

    ``platform``: the only one that it is for, or ""; ``value``: text that changes with it, for
    people up to the first space; ``size``: bytes.
    """

    platform: str
    kind: str
    name: str
    value: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class LayerInputs:
    """The inputs of a layer, or of the configuration; ``kind``: the layer's, in records."""

    title: str
    kind: str
    inputs: tuple[Input, ...]


def layer_inputs(image: ImagePlan) -> tuple[LayerInputs, ...]:
    """Return the inputs of each layer of ``image``, the lowest first, and of its configuration."""
    stages = {stage.name: stage for stage in image.stages}
    found = [LayerInputs(BASE, BASE, tuple(_base(image)))]
    for layer in image.layers:
        own: dict[Input, None] = {}
        if layer.stage == DEBIAN:
            # The base is below it already.
            operations = stages[DEBIAN].operations
            own = dict.fromkeys(each for op in operations for each in _of_operation(op, image))
        elif layer.stage == "final":
            own = dict.fromkeys([Input("", "setting", "workdir", image.config.workdir)])
        else:
            own = dict.fromkeys(_of_stages(layer.stage, stages, image))
        title = "working folder" if (layer.stage, layer.kind) == ("final", "app") else layer.title
        found.append(LayerInputs(title, layer.kind, tuple(own)))
    return (*found, LayerInputs(CONFIGURATION, CONFIGURATION, tuple(_configuration(image))))


def _base(image: ImagePlan) -> Iterator[Input]:
    base = image.bases.base
    yield Input("", "base", base.name, base.digest)
    for package in image.debian.base:
        for platform in package.platforms:
            yield Input(platform, "debian", package.name, package.version)


def _of_stages(name: str, stages: Mapping[str, Stage], image: ImagePlan) -> Iterator[Input]:
    """Yield the inputs of a stage and of all that it reads, each stage once."""
    bases, seen, waiting = image.bases.named, set[str](), [name]
    yield Input("", "tool", "nox-buildkit", image.generator)
    yield Input("", "tool", "Python", image.python.version)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if base := bases.get(name):
            yield Input("", "base", base.name, base.digest)
        if stage := stages.get(name):
            for operation in stage.operations:
                yield from _of_operation(operation, image)
            waiting += _read_by(stage, stages)


def _read_by(stage: Stage, stages: Mapping[str, Stage]) -> Iterator[str]:
    parent = stage.parent
    if isinstance(parent, ByArchitecture):
        yield from (n for n in stages if _is_for_architecture(n, parent.prefix))
        yield from (alias for _, alias in parent.aliases)
    else:
        yield parent
    for operation in stage.operations:
        match operation:
            case CopyLayer(name) | CollectOutputs(name):
                yield name
            case GatherWheels(pairs):
                yield from (name for _, name in pairs)
            case InstallPackages(compiled=wheels) if wheels:
                yield wheels.stage
            case MakeWheel(made=name) | PlaceFiles(below=name) if name:
                yield name


def _is_for_architecture(name: str, prefix: str) -> bool:
    beginning, _, end = name.rpartition("-")
    return beginning == prefix and end in {each.architecture for each in PLATFORMS.values()}


def _of_operation(operation: Operation, image: ImagePlan) -> Iterator[Input]:
    if isinstance(operation, MakeWheel | RunStep):
        yield from (Input("", "argument", name, value) for name, value in image.build_args)
    match operation:
        case InstallPackages(requirements=requirements) | MakeWheel(requirements=requirements):
            yield from _packages(requirements)
        case AddDebianPackages(names):
            yield from (Input("", "debian", name, "") for name in names)
        case CopySources(owned):
            for file in image.application.sources.files:
                yield Input("", "file", file.path, file.digest, file.size)
            yield from _owner(image, owned=owned)
        case CollectOutputs(owned=owned):
            yield from _owner(image, owned=owned)
        case PlaceFiles(placement):
            yield from _placed(placement)
        case RunStep(step=step):
            yield Input("", "step", json.dumps(step.run), digest_of(step))
        case SetEnvironment():
            yield from (Input("", "env", name, value) for name, value in image.config.env)
        case CopyLayer() | GatherWheels() | Configure():
            pass
        case _:
            yield Input("", "operation", type(operation).__name__, digest_of(operation))


def _placed(placement: Placement) -> Iterator[Input]:
    for each in placement.files:
        yield Input("", "placed", each.target, digest_of(each), each.size)
    for taken in placement.taken:
        yield Input("", "placed", taken.target, digest_of(taken))
    rest = digest_of(replace(placement, files=(), taken=()))
    yield Input("", "setting", "user, directories and prestart", rest)


def _owner(image: ImagePlan, *, owned: bool) -> Iterator[Input]:
    if owned:
        yield Input("", "setting", "owner", image.owner)


def _packages(requirements: Requirements) -> Iterator[Input]:
    for platform, packages in requirements.lists:
        for package in packages:
            value = f"{package.version} {package.filename} {package.sha256}"
            yield Input(platform, "package", package.name, value, package.size or 0)


def _configuration(image: ImagePlan) -> Iterator[Input]:
    config = image.config
    yield from (Input("", "env", name, value) for name, value in config.env)
    yield from (Input("", "label", name, value) for name, value in config.labels)
    for key in ("entrypoint", "command", "user", "workdir", "expose", "volumes", "stop_signal"):
        yield Input("", "setting", key.replace("_", "-"), json.dumps(getattr(config, key)))
    yield Input("", "setting", "healthcheck", digest_of(config.healthcheck))
    yield Input("", "setting", "compression", json.dumps(image.compression))
