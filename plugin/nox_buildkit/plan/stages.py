"""Stages of a build and layers of an image, as data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nox_buildkit.plan.operations import (
    CopyLayer,
    EnterWorkdir,
    Input,
    InstallPackages,
    LayerKind,
    Machine,
    MakeWheel,
    Operation,
    PlaceFiles,
)
from nox_buildkit.plan.packages import Package

#: The stage that adds Debian packages to the base of an image.
DEBIAN = "debian-packages"

#: Names of stages, with their titles for people.
TITLES = {
    "build": "build environment",
    "compile-here": "compiler",
    "compile": "compiler",
    "pure-wheels": "compiled packages",
    "no-wheels": "compiled packages",
    "wheels": "compiled packages",
    "step-wheels": "compiled packages",
    "deps-pure": "pure-Python packages",
    "deps-crossed": "native packages",
    "deps-on-target": "native packages",
    "deps-native": "native packages",
    "deps-local": "local packages",
    "own-crossed": "local native packages",
    "own-on-target": "local native packages",
    "own-native": "local native packages",
    "deps-steps": "packages for steps",
    "app": "application",
    "stepped": "steps",
    "steps": "files of the steps",
    "surroundings": "user, folders and placed files",
    DEBIAN: "Debian packages",
    "final": "image",
    "platforms": "image",
}

#: Beginnings of the names of stages that compile one package, on the machine that builds or on the
#: target, and of those that gather wheels for one platform.
HERE, ON_TARGET = "here-", "wheel-"
#: Beginnings of the names of stages that compile one package for another platform, and of those
#: that have what was made of a package before its platform compiles it.
CROSS, MADE = "cross-", "made-"
#: Beginning of the names of stages that are images which files are taken from.
TAKEN = "taken-"
_COMPILING = re.compile(
    rf"(?:{HERE}|{ON_TARGET}|{MADE}|{CROSS}[a-z0-9]+-)(?P<name>.+)-[0-9a-f]{{8}}"
)
_GATHERING = re.compile(r"(?:step-)?wheels-\w+")


@dataclass(frozen=True, slots=True)
class ByArchitecture:
    """The stage ``prefix-ARCHITECTURE`` of the ``machine`` is the parent.

    ``aliases``: (architecture, stage or planned variant) of those that get such a name here.
    """

    prefix: str
    machine: Machine
    aliases: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a build.

    ``parent``: a stage, or ``base``, ``builder``, ``compiler``, ``step-base``, ``scratch``;
    ``purpose``: a sentence a line; ``layer``: the kind of the layer that it yields; ``machine``:
    whose processor it is for; ``on_target``: platforms on which it runs a program of the platform.
    """

    name: str
    parent: str | ByArchitecture = "build"
    operations: tuple[Operation, ...] = ()
    purpose: str = ""
    layer: LayerKind | None = None
    machine: Machine = "build"
    on_target: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """A name for people."""
        return title_of(self.name)

    @property
    def reads(self) -> tuple[Input, ...]:
        """Everything that the stage reads besides the sources and other stages."""
        return tuple(_inputs(self.operations))


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer above the base; ``stage`` yields it."""

    kind: LayerKind
    stage: str

    @property
    def title(self) -> str:
        """A name for people."""
        return "Debian packages" if self.kind == "apt" else title_of(self.stage)


def title_of(stage: str) -> str:
    """Return the title of the stage of that name, or the name of one that is not ours."""
    if package := compiled_in(stage):
        return f"{'cross-' * stage.startswith(CROSS)}compiled package {package}"
    if _GATHERING.fullmatch(stage):
        return TITLES["wheels"]
    if stage.startswith(TAKEN):
        return "image with files"
    return TITLES.get(stage, stage)


def compiled_in(stage: str) -> str:
    """Return the name of the package that the stage of that name compiles; empty: none."""
    compiling = _COMPILING.fullmatch(stage)
    return compiling["name"] if compiling else ""


def compiling_stage(prefix: str, package: Package) -> str:
    """Return the name of the stage that compiles ``package``."""
    return f"{prefix}{package.name}-{package.sha256[:8]}"


def layers_of(stages: Sequence[Stage]) -> tuple[Layer, ...]:
    """Return the layers that ``stages`` put on the base, the lowest first."""
    kinds = {stage.name: stage.layer for stage in stages}
    (final,) = (stage for stage in stages if stage.name == "final")
    found = [Layer("apt", DEBIAN)] if final.parent == DEBIAN else []
    for operation in final.operations:
        match operation:
            case EnterWorkdir():
                found.append(Layer("app", final.name))
            case CopyLayer(stage) if kind := kinds[stage]:
                found.append(Layer(kind, stage))
    return tuple(found)


def _inputs(operations: Sequence[Operation]) -> Iterator[Input]:
    for operation in operations:
        match operation:
            case InstallPackages() | MakeWheel():
                yield operation.requirements
            case PlaceFiles():
                yield operation.placement
