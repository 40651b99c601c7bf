"""The state of a running bake, told by the objects of ``--progress rawjson``.

Pure: objects and the time come in, changes come out. One solve may tell of a vertex many times
over, for each bake target that uses it, and run it again after it was complete.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from nox_buildkit.engine.events.log_text import clean, decoded, log_lines
from nox_buildkit.engine.events.platforms import platforms_of
from nox_buildkit.engine.events.rows import Count, Row, counted
from nox_buildkit.engine.events.vertex import Name, Transfer, Vertex, VertexKind, parse_name

_LOG_LIMIT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Change:
    """The changes of one object; ``lines``: the complete lines of a log that it added."""

    what: Literal["started", "finished", "failed", "log"]
    vertex: Vertex
    lines: tuple[str, ...] = ()


class BuildProgress:
    """All vertices of one bake.

    ``images``: the bake targets and the platforms of each. buildx leaves a target's name out
    where it is the only one, and BuildKit a platform, so both must be known from outside.

    ``parts``: bake targets that are one platform of an image → that image and platform.

    ``emulated``: platforms whose programs run under emulation.
    """

    def __init__(
        self,
        images: Mapping[str, Sequence[str]],
        parts: Mapping[str, tuple[str, str]] = MappingProxyType({}),
        emulated: Container[str] = (),
    ) -> None:
        self._parts = parts
        self._emulated = emulated
        self.images = {image: tuple(platforms) for image, platforms in images.items()}
        self.vertices: dict[str, Vertex] = {}
        self.warnings: list[str] = []
        self._runs: dict[str, dict[str, float]] = {}
        self._logs: dict[str, bytearray] = {}
        self._partial: dict[str, bytes] = {}
        self._platforms: dict[str, frozenset[str]] = {}

    def feed(self, status: Mapping[str, Any], now: float) -> list[Change]:
        """Take one rawjson object, read at ``now`` (seconds of any steady clock)."""
        changes: list[Change] = []
        for item in status.get("vertexes") or ():
            changes += self._vertex(item, now)
        for item in status.get("statuses") or ():
            self._transfer(item, now)
        for item in status.get("logs") or ():
            changes += self._log(item)
        for item in status.get("warnings") or ():
            self.warnings.append(clean(decoded(item.get("short")).decode(errors="replace")))
        return changes

    def log(self, digest: str) -> tuple[str, ...]:
        """The last lines that the vertex wrote, without escape sequences and credentials."""
        return tuple(log_lines(bytes(self._logs.get(digest, b""))))

    def emulated(self, vertex: Vertex) -> bool:
        """Tell whether the programs of a step run under emulation."""
        name = vertex.name
        return name.kind is VertexKind.STEP and (name.built_on or "") in self._emulated

    @property
    def failed(self) -> tuple[Vertex, ...]:
        """The vertices that failed by themselves, in order."""
        broken = [vertex for vertex in self.vertices.values() if vertex.failed]
        return tuple(sorted(broken, key=lambda vertex: vertex.ended or 0.0))

    def rows(self) -> list[Row]:
        """A row an image and platform, each after what the image's platforms share."""
        rows: list[Row] = []
        for image, platforms in self.images.items():
            shared = [None] if len(platforms) > 1 else []
            owned: dict[str | None, list[Vertex]] = {key: [] for key in (*shared, *platforms)}
            for vertex in self.vertices.values():
                if image in vertex.images:
                    owned[self.platform(vertex, image)].append(vertex)
            rows += [Row(image, key, counted(own), tuple(own)) for key, own in owned.items()]
        return rows

    def count(self, image: str) -> Count:
        """The steps of an image on all its platforms."""
        counts = [row.count for row in self.rows() if row.image == image]
        return Count(
            sum(count.total for count in counts),
            sum(count.cached for count in counts),
            sum(count.executed for count in counts),
        )

    def platform(self, vertex: Vertex, image: str) -> str | None:
        """The one platform of ``image`` that needs the vertex, or None if several do.

        A name tells the platform of whoever asked first; who else uses it only the graph tells.
        """
        mine = self.images[image]
        needed = [name for name in mine if name in self._needed_by(vertex.digest)]
        return mine[0] if len(mine) == 1 else needed[0] if len(needed) == 1 else None

    def _needed_by(self, digest: str) -> frozenset[str]:
        if not self._platforms:
            self._platforms = platforms_of(self.vertices.values())
        return self._platforms.get(digest, frozenset())

    def _vertex(self, item: Mapping[str, Any], now: float) -> Iterable[Change]:
        name = self._name(str(item.get("name", "")))
        old = self.vertices.get(item["digest"]) or Vertex(item["digest"], name)
        image = name.image or (next(iter(self.images)) if len(self.images) == 1 else None)
        inputs = old.inputs | frozenset(item.get("inputs") or ())
        images = old.images if image in old.images or image is None else (*old.images, image)
        if inputs != old.inputs or old.digest not in self.vertices:
            self._platforms = {}
        started, completed = item.get("started"), item.get("completed")
        if started and completed:
            runs = self._runs.setdefault(old.digest, {})
            runs[started] = _seconds(started, completed)
        new = replace(
            old,
            images=images,
            inputs=inputs,
            began=now if started and old.began is None else old.began,
            ended=now if completed and not (old.done and not old.running) else old.ended,
            seconds=sum(self._runs.get(old.digest, {}).values()),
            running=bool(started and not completed),
            done=old.done or bool(completed),
            # What a layer cache has is told to be cached, and then pulled.
            cached=old.cached or bool(started and item.get("cached")),
            error=clean(str(item.get("error") or old.error)),
        )
        self.vertices[old.digest] = new
        if new.failed and not old.failed:
            yield Change("failed", new)
        elif new.done and not old.done and not new.error:
            yield Change("finished", new)
        elif new.running and old.began is None:
            yield Change("started", new)

    def _name(self, text: str) -> Name:
        name = parse_name(text, frozenset((*self.images, *self._parts)))
        if name.image and name.image in self._parts:
            image, platform = self._parts[name.image]
            return replace(name, image=image, platform=name.platform or platform)
        return name

    def _transfer(self, item: Mapping[str, Any], now: float) -> None:
        vertex = self.vertices.get(item["vertex"])
        if vertex is None:
            return
        name = str(item.get("id", ""))
        current, total = int(item.get("current") or 0), int(item.get("total") or 0)
        old = vertex.transfers.get(name)
        began = old.began if old else now
        part = Transfer(name, current, total, bool(item.get("completed")), began)
        # Taken out and put back, so that the latest is the last.
        others = {key: value for key, value in vertex.transfers.items() if key != name}
        self.vertices[vertex.digest] = replace(vertex, transfers={**others, name: part})

    def _log(self, item: Mapping[str, Any]) -> Iterable[Change]:
        digest = item["vertex"]
        data = decoded(item.get("data"))
        kept = self._logs.setdefault(digest, bytearray())
        kept += data
        del kept[:-_LOG_LIMIT]
        whole, _, rest = (self._partial.get(digest, b"") + data).rpartition(b"\n")
        self._partial[digest] = rest[-_LOG_LIMIT:]
        vertex = self.vertices.get(digest)
        if vertex and (lines := log_lines(whole)):
            task = vertex.task or next(filter(None, map(_task, lines)), "")
            vertex = self.vertices[digest] = replace(vertex, task=task, said=lines[-1])
            yield Change("log", vertex, tuple(lines))


def _task(line: str) -> str:
    """Return the requirement that a line of our script for wheels says is compiled."""
    word, _, requirement = line.partition(" ")
    return requirement if word == "compiling" and "==" in requirement else ""


def _seconds(started: str, completed: str) -> float:
    """Seconds between two RFC 3339 times."""
    try:
        begin, end = datetime.fromisoformat(started), datetime.fromisoformat(completed)
    except ValueError:
        return 0.0
    return max(0.0, (end - begin).total_seconds())
