"""The work for each image and platform, out of all vertices of a bake."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nox_buildkit.engine.events.vertex import Vertex, VertexKind


@dataclass(frozen=True, slots=True)
class Count:
    """Steps of an image: ``cached`` and ``executed`` ones are over, ``total`` are known."""

    total: int = 0
    cached: int = 0
    executed: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """The work for one image and platform; platform None: work that its platforms share."""

    image: str
    platform: str | None
    count: Count
    vertices: tuple[Vertex, ...]

    @property
    def running(self) -> tuple[Vertex, ...]:
        return tuple(vertex for vertex in self.vertices if vertex.running)

    @property
    def failed(self) -> Vertex | None:
        return next((vertex for vertex in self.vertices if vertex.failed), None)

    def seconds(self, now: float) -> float:
        """Wall-clock seconds from the first start to the last end, or to ``now``."""
        began = [vertex.began for vertex in self.vertices if vertex.began is not None]
        ended = [vertex.ended for vertex in self.vertices if vertex.ended is not None]
        if not began:
            return 0.0
        return (now if self.running or not ended else max(ended)) - min(began)


def counted(vertices: Iterable[Vertex]) -> Count:
    """Count each (stage, step) once: equal work of two images is told under both digests."""
    steps: dict[tuple[str, int], list[Vertex]] = {}
    for vertex in vertices:
        if vertex.name.kind is VertexKind.STEP:
            steps.setdefault((vertex.name.stage, vertex.name.step), []).append(vertex)
    over = [[one for one in same if one.done and not one.error] for same in steps.values()]
    executed = sum(any(not one.cached for one in same) for same in over)
    return Count(len(steps), sum(bool(same) for same in over) - executed, executed)
