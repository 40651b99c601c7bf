"""Steps of a timeline, out of the stopwatch of the run and the events of its bakes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.engine.events.vertex import Vertex, VertexKind
from nox_buildkit.printable import redacted, visible
from nox_buildkit.report import words
from nox_buildkit.report.timeline.critical_path import Node, critical_path
from nox_buildkit.report.timeline.model import BUILDKIT, TOOL, Kind, Step
from nox_buildkit.report.timeline.recorder import BAKE, Recorded
from nox_buildkit.stopwatch import Stopwatch

_KINDS: dict[VertexKind, Kind] = {
    VertexKind.STEP: "step",
    VertexKind.LINK: "step",
    VertexKind.EXPORT: "export",
}
#: What BuildKit does before the first step.
_ERRANDS = (VertexKind.INTERNAL, VertexKind.METADATA, VertexKind.CONTEXT)
#: An instruction may be a whole script; a page shows no more of it.
_LONGEST = 400


def steps_of(watch: Stopwatch, bakes: Sequence[Recorded]) -> tuple[Step, ...]:
    """Return every step, lane by lane, each with whether the end of the build waited for it."""
    steps = [*_tool_steps(watch, bool(bakes))]
    for bake in bakes:
        steps += _merged(_vertex_steps(bake, watch.began))
    order = {TOOL: 0, BUILDKIT: 1}
    return tuple(
        sorted(steps, key=lambda s: (order.get(s.lane, 2), s.lane, s.begin, s.end, s.title))
    )


def _tool_steps(watch: Stopwatch, baked: bool) -> Iterator[Step]:
    for each in watch.steps:
        # They follow each other, so the end waits for all of them.
        critical = not (baked and each.name == BAKE)
        begin, end = each.begin - watch.began, each.end - watch.began
        yield Step(TOOL, each.name, "", "tool", begin, end, critical=critical)


def _vertex_steps(bake: Recorded, began: float) -> Iterator[Step]:
    on_path = set(critical_path(*_nodes(bake)))
    for digest, vertex in bake.progress.vertices.items():
        runs = bake.runs.of(digest)
        step = _step(vertex, bake.progress)
        for begin, end in runs:
            critical = digest in on_path and (begin, end) == runs[-1]
            yield replace(step, begin=begin - began, end=end - began, critical=critical)


def _merged(steps: Iterable[Step]) -> Iterable[Step]:
    """Return each step once: equal work of two images is told under both digests."""
    found: dict[tuple[object, ...], Step] = {}
    for step in steps:
        same = (step.lane, step.title, step.detail, round(step.begin, 3), round(step.end, 3))
        other = found.get(same, step)
        images = tuple(dict.fromkeys((*other.images, *step.images)))
        found[same] = replace(step, images=images, critical=step.critical or other.critical)
    return found.values()


def _nodes(bake: Recorded) -> tuple[list[Node], dict[str, frozenset[str]]]:
    nodes, graph = [], {}
    for digest, vertex in bake.progress.vertices.items():
        graph[digest] = vertex.inputs
        if runs := bake.runs.of(digest):
            step = vertex.name.kind in (VertexKind.STEP, VertexKind.LINK)
            errand = vertex.name.kind in _ERRANDS
            nodes.append(Node(digest, *runs[-1], vertex.inputs, errand, not step))
    return nodes, graph


def _step(vertex: Vertex, progress: BuildProgress) -> Step:
    kind = _KINDS.get(vertex.name.kind, "errand")
    images = tuple(image for image in progress.images if image in vertex.images)
    platform = _platform(images, vertex, progress)
    place = " ".join(filter(None, (_joined(images), platform)))
    return Step(
        lane=BUILDKIT if kind == "errand" or not images else _text(place),
        title=_text(words.step(vertex)),
        detail=_text(words.instruction(vertex, _LONGEST)),
        kind=kind,
        begin=0.0,
        end=0.0,
        images=images,
        platform=platform,
        cached=vertex.cached,
    )


def _platform(images: Sequence[str], vertex: Vertex, progress: BuildProgress) -> str:
    """Return the platform that a step is for, as far as it is one."""
    platforms = {progress.platform(vertex, image) for image in images}
    one = platforms.pop() if len(platforms) == 1 else None
    several = any(len(progress.images[image]) > 1 for image in images)
    return one or ("all platforms" if several else "")


def _joined(images: Sequence[str]) -> str:
    return ", ".join(images) if len(images) < 4 else f"{len(images)} images"


def _text(text: str) -> str:
    return redacted(visible(text))
