"""One piece of work of a BuildKit solve, and what buildx says in its name.

The names are no interface: their shape was read off recorded streams (tests/unit/streams).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nox_buildkit.plan.stages import title_of

_BRACKETS = re.compile(r"\[(?P<where>[^\]]*)\] (?P<text>.*)", re.DOTALL)
_PLATFORM = re.compile(r"(?P<built_on>(?P<os>[a-z0-9]+)/[^\s>]+?)(?:->(?P<target>\S+))?")
_COUNT = re.compile(r"(?P<step>\d+)/(?P<steps>\d+)")
_OPERATING_SYSTEMS = ("linux/", "windows/", "darwin/", "freebsd/")


class VertexKind(StrEnum):
    """The kind of work of a vertex."""

    STEP = "step"
    LINK = "link"
    CONTEXT = "context"
    METADATA = "metadata"
    EXPORT = "export"
    CACHE = "cache"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Transfer:
    """A part of a vertex's work: ``current`` and ``total`` in bytes, 0 where unknown."""

    name: str
    current: int
    total: int
    done: bool


@dataclass(frozen=True, slots=True)
class Name:
    """A vertex name taken apart; ``platform`` is the one that is built *for*."""

    kind: VertexKind
    text: str
    image: str | None = None
    platform: str | None = None
    stage: str = ""
    step: int = 0
    steps: int = 0

    @property
    def part(self) -> str:
        """The part of the image that the stage is for, in words; the stage's name if unknown."""
        if not self.steps:
            return ""
        return title_of(self.stage) if self.stage else "application"

    @property
    def step_words(self) -> str:
        """Part and number of a step (``native packages 1/2``), else ``export`` or nothing."""
        if self.steps:
            return f"{self.part} {self.step}/{self.steps}"
        return "export" if self.kind is VertexKind.EXPORT else ""


@dataclass(frozen=True, slots=True)
class Vertex:
    """A snapshot of one vertex.

    ``images``: all that use it (equal work of several bake targets is one vertex); ``inputs``:
    digests; ``began`` and ``ended``: seconds of the reader's clock; ``seconds``: what the finished
    runs took by the engine's clock.
    """

    digest: str
    name: Name
    images: tuple[str, ...] = ()
    inputs: frozenset[str] = frozenset()
    began: float | None = None
    ended: float | None = None
    seconds: float = 0.0
    running: bool = False
    done: bool = False
    cached: bool = False
    error: str = ""
    transfers: Mapping[str, Transfer] = field(default_factory=dict)

    @property
    def cancelled(self) -> bool:
        """Stopped for the sake of another one: also what BuildKit says of merged equal work."""
        return "context canceled" in self.error

    @property
    def failed(self) -> bool:
        # A build goes on without a layer cache.
        return bool(self.error) and not self.cancelled and self.name.kind is not VertexKind.CACHE

    @property
    def transfer(self) -> Transfer | None:
        """The part that is under way, the latest where there are several."""
        under_way = [part for part in self.transfers.values() if not part.done]
        return under_way[-1] if under_way else None


def parse_name(name: str, images: frozenset[str]) -> Name:
    """Take a vertex name apart; ``images``: the bake targets, of which buildx names each if > 1."""
    match = _BRACKETS.fullmatch(name)
    words = match["where"].split() if match else []
    text = match["text"] if match else name
    image = words.pop(0) if len(images) > 1 and words and words[0] in images else None
    platform = _platform(words[0]) if words else None
    if platform:
        words.pop(0)
    count = _COUNT.fullmatch(words[-1]) if words else None
    if not count:
        return Name(_kind(words, text), text, image, platform)
    link = text.startswith("LINK ")
    return Name(
        VertexKind.LINK if link else VertexKind.STEP,
        text.removeprefix("LINK "),
        image,
        platform,
        words[0] if len(words) > 1 else "",
        int(count["step"]),
        int(count["steps"]),
    )


def _kind(words: list[str], text: str) -> VertexKind:
    if text.startswith(("load metadata", "resolve image config")):
        return VertexKind.METADATA
    if words[:1] == ["context"] or text == "load build context":
        return VertexKind.CONTEXT
    if text.startswith(("importing cache manifest ", "exporting cache ")):
        return VertexKind.CACHE
    if text.startswith(("exporting ", "pushing ", "importing to ")):
        return VertexKind.EXPORT
    return VertexKind.INTERNAL


def _platform(word: str) -> str | None:
    """The target of ``linux/amd64->arm64`` (the operating system is left out where equal)."""
    match = _PLATFORM.fullmatch(word)
    if not match or not word.startswith(_OPERATING_SYSTEMS):
        return None
    target = match["target"]
    if target is None:
        return match["built_on"]
    return target if target.startswith(_OPERATING_SYSTEMS) else f"{match['os']}/{target}"
