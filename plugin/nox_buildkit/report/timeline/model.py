"""A build as its timeline tells of it: when each step ran, and what the images consist of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nox_buildkit.oci.layer_contents import Part
from nox_buildkit.results.model import PlatformResult

#: Steps of this tool, steps of a Dockerfile, BuildKit's own errands for them, and what it exports.
Kind = Literal["tool", "step", "errand", "export"]

#: Lanes of steps that are not of one image alone.
TOOL, BUILDKIT = "nox-buildkit", "BuildKit"


@dataclass(frozen=True, slots=True)
class Step:
    """One run of a step: ``begin`` and ``end`` in seconds since the build began.

    ``lane``: images and platform, or whose step it is; ``detail``: the instruction; ``images``: all
    that it is for; ``platform``: the one, or that it is for all of them; ``critical``: whether the
    end of the build waited for it.
    """

    lane: str
    title: str
    detail: str
    kind: Kind
    begin: float
    end: float
    images: tuple[str, ...] = ()
    platform: str = ""
    cached: bool = False
    critical: bool = False

    @property
    def seconds(self) -> float:
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class StepTime:
    """The time of a step for one image, all of its runs, for a comparison with the next build."""

    lane: str
    title: str
    seconds: float
    cached: bool


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """The last build of an image, this one or an earlier one."""

    platforms: tuple[PlatformResult, ...]
    times: tuple[StepTime, ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """A build of the images ``built``; ``began_at``: Unix time.

    ``images``: those and all that were built before into the same folder; ``contents``: the parts
    of layers by digest, as far as they could be read.
    """

    built: tuple[str, ...]
    began_at: float
    seconds: float
    steps: tuple[Step, ...]
    images: Mapping[str, ImageEntry]
    contents: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)

    @property
    def lanes(self) -> tuple[str, ...]:
        """The lanes in their order."""
        return tuple(dict.fromkeys(step.lane for step in self.steps))

    @property
    def critical(self) -> tuple[Step, ...]:
        """The steps of the critical path, the first one first."""
        found = (step for step in self.steps if step.critical)
        return tuple(sorted(found, key=lambda step: (step.begin, step.end)))
