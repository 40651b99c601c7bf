"""Operations of a stage, and what they read. How BuildKit runs them is the work of ``render``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nox_buildkit.buildspec.model.interpolation import Part
from nox_buildkit.plan.application import PlacedFile, Step, TakenFile
from nox_buildkit.plan.packages import Package

#: The machine that builds, or the platform that the image is for.
Machine = Literal["build", "target"]

LayerKind = Literal["base", "apt", "pure", "native", "app"]


@dataclass(frozen=True, slots=True)
class Requirements:
    """Pinned packages that a stage reads, by platform; ``machine``: which one chooses its own.

    Without a ``machine`` there is one list, for the platform "".
    """

    kind: str
    lists: tuple[tuple[str, tuple[Package, ...]], ...]
    machine: Machine | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Files and folders around an application, and the user that they belong to.

    ``account``: the name that ``user`` (then ``uid:gid``) has or gets; ``becomes``: containers
    start as root and become it; ``workdir``: the working folder, if that is
    writable.
    """

    user: str
    account: str
    directories: tuple[str, ...]
    files: tuple[PlacedFile, ...]
    taken: tuple[TakenFile, ...]
    prestart: tuple[tuple[str, ...], ...]
    interpolated: tuple[tuple[str, tuple[Part, ...]], ...] = ()
    becomes: bool = False
    workdir: str = ""


#: What a stage reads besides the sources.
Input = Requirements | Placement


@dataclass(frozen=True, slots=True)
class Wheels:
    """Compiled wheels of ``stage``: those of ``names`` that are pure, the rest, or all."""

    stage: str
    kind: Literal["any", "rest", "all"]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InstallPackages:
    """Install ``requirements`` and ``compiled`` wheels into the virtual environment.

    ``cross``: uv's ``--python-platform`` by platform, where another machine installs;
    ``environment``: the environment's own files belong to this layer.
    """

    requirements: Requirements
    machine: Machine
    cross: tuple[tuple[str, str], ...] = ()
    compiled: Wheels | None = None
    environment: bool = True


@dataclass(frozen=True, slots=True)
class MakeWheel:
    """Compile the one package of ``requirements``.

    ``optional``: a failure is no error, since the target may succeed; ``made``: a stage that may
    have made the wheel already; ``cross``: the platform that it is compiled for, if another than
    the machine's.
    """

    requirements: Requirements
    machine: Machine
    optional: bool = False
    made: str = ""
    cross: str = ""


@dataclass(frozen=True, slots=True)
class GatherWheels:
    """Take the wheel of each package from the stage that made it: (package name, stage)."""

    stages: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AddDebianPackages:
    """Install Debian packages by name, with apt."""

    names: tuple[str, ...]
    machine: Machine


@dataclass(frozen=True, slots=True)
class CopySources:
    """Copy the files of the application, and compile their byte code.

    ``owned``: they belong to the user.
    """

    owned: bool = False


@dataclass(frozen=True, slots=True)
class PlaceFiles:
    """Make the user, its folders, the placed files.

    ``below``: the stage or image that they are put on, if it is not the parent.
    """

    placement: Placement
    below: str


@dataclass(frozen=True, slots=True)
class CopyLayer:
    """Copy the layer that ``stage`` yields."""

    stage: str


@dataclass(frozen=True, slots=True)
class LinkInterpreter:
    """Point the virtual environment at the Python of the stage."""


@dataclass(frozen=True, slots=True)
class EnterWorkdir:
    """Make the working folder, and enter it."""


@dataclass(frozen=True, slots=True)
class SetEnvironment:
    """Set the variables of the image; ``path``: with the virtual environment on PATH."""

    path: bool


@dataclass(frozen=True, slots=True)
class RunStep:
    """Run the step ``number`` of the application."""

    number: int
    step: Step


@dataclass(frozen=True, slots=True)
class CollectOutputs:
    """Take the files ``paths``, relative to the working folder, which ``stage`` has made.

    ``owned``: they belong to the user.
    """

    stage: str
    paths: tuple[str, ...]
    owned: bool = False


@dataclass(frozen=True, slots=True)
class Configure:
    """Set the configuration of the image."""


Operation = (
    InstallPackages
    | MakeWheel
    | GatherWheels
    | AddDebianPackages
    | CopySources
    | PlaceFiles
    | CopyLayer
    | LinkInterpreter
    | EnterWorkdir
    | SetEnvironment
    | RunStep
    | CollectOutputs
    | Configure
)
