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
    """A part of a vertex's work: ``current`` and ``total`` in bytes, 0 where unknown.

    ``began``: seconds of the reader's clock when it was told of first.
    """

    name: str
    current: int
    total: int
    done: bool
    began: float = 0.0


@dataclass(frozen=True, slots=True)
class Amount:
    """Bytes that went over a network, of ``total`` if that is not 0, at a ``rate`` a second."""

    current: int
    total: int
    rate: float


@dataclass(frozen=True, slots=True)
class Name:
    """A vertex name taken apart; ``platform`` is the one that is built *for*.

    ``built_on``: the platform of the programs that do it; ``context``: the named context.
    """

    kind: VertexKind
    text: str
    image: str | None = None
    platform: str | None = None
    stage: str = ""
    step: int = 0
    steps: int = 0
    built_on: str | None = None
    context: str = ""

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
    runs took by the engine's clock; ``task``: what it says that it compiles; ``said``: the last
    line that it wrote.
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
    task: str = ""
    said: str = ""
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

    def amount(self, now: float) -> Amount | None:
        """Return what its transfers come to, if one is under way whose bytes are counted."""
        parts = [part for part in self.transfers.values() if part.current or part.total]
        if all(part.done for part in parts):
            return None
        known = [part for part in parts if part.total]
        counted = known or parts
        current = sum(part.current for part in counted)
        seconds = now - min(part.began for part in counted)
        return Amount(current, sum(p.total for p in known), current / seconds if seconds else 0.0)


def parse_name(name: str, images: frozenset[str]) -> Name:
    """Take a vertex name apart; ``images``: the bake targets, of which buildx names each if > 1."""
    match = _BRACKETS.fullmatch(name)
    words = match["where"].split() if match else []
    text = match["text"] if match else name
    image = words.pop(0) if len(images) > 1 and words and words[0] in images else None
    platform, built_on = _platforms(words[0]) if words else (None, None)
    if platform:
        words.pop(0)
    count = _COUNT.fullmatch(words[-1]) if words else None
    if not count:
        context = words[1].partition("::")[0] if words[:1] == ["context"] and words[1:] else ""
        return Name(_kind(words, text), text, image, platform, context=context)
    link = text.startswith("LINK ")
    return Name(
        VertexKind.LINK if link else VertexKind.STEP,
        text.removeprefix("LINK "),
        image,
        platform,
        words[0] if len(words) > 1 else "",
        int(count["step"]),
        int(count["steps"]),
        built_on,
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


def _platforms(word: str) -> tuple[str | None, str | None]:
    """The target of ``linux/amd64->arm64`` (the operating system is left out where equal).

    And the platform of the step itself.
    """
    match = _PLATFORM.fullmatch(word)
    if not match or not word.startswith(_OPERATING_SYSTEMS):
        return None, None
    built_on, target = match["built_on"], match["target"]
    if target is None:
        return built_on, built_on
    whole = target.startswith(_OPERATING_SYSTEMS)
    return target if whole else f"{match['os']}/{target}", built_on
