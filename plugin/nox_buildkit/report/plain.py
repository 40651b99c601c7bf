"""Progress as lines for a log: every line stands alone and says which image it is about."""

from __future__ import annotations

import sys
from typing import TextIO

from nox_buildkit.engine.bake import Update
from nox_buildkit.engine.events.progress import BuildProgress, Change
from nox_buildkit.engine.events.vertex import Vertex, VertexKind
from nox_buildkit.printable import visible_lines
from nox_buildkit.report import figures, words

HEARTBEAT = 30.0
# Below this many seconds nobody wants to read of BuildKit's own errands.
_ERRAND = 1.0
# Below these nobody wonders what goes on.
_WHILE = 3.0


class Plain:
    """Reporter for CI logs and pipes; ``verbose``: what steps write is shown as it comes.

    ``brief``: between the lines of somebody else, only what took a while, or failed.
    """

    def __init__(
        self, stream: TextIO | None = None, *, verbose: bool = False, brief: bool = False
    ) -> None:
        self._stream = stream or sys.stderr
        self._verbose = verbose
        self._brief = brief
        self._told: dict[str, float] = {}

    def event(self, update: Update) -> None:
        for change in update.changes:
            self._change(update.progress, change, update.now)
        for digest, told in list(self._told.items()):
            vertex = update.progress.vertices.get(digest)
            if vertex is None:
                # Of a bake that ended, and was begun again.
                del self._told[digest]
            elif update.now - told >= HEARTBEAT and vertex.running:
                self._told[digest] = update.now
                seconds = update.now - (vertex.began or update.now)
                self._say(update.progress, vertex, f"still running after {seconds:.0f} s")

    def message(self, text: str) -> None:
        print(visible_lines(text), file=self._stream, flush=True)

    def close(self) -> None:
        self._stream.flush()

    def _change(self, progress: BuildProgress, change: Change, now: float) -> None:
        vertex = change.vertex
        if vertex.name.kind is VertexKind.LINK and change.what != "failed":
            return
        if change.what == "started":
            if vertex.cached:
                return
            self._told[vertex.digest] = now
            if self._brief:
                return
            if vertex.name.kind is VertexKind.EXPORT or vertex.name.text.startswith("RUN "):
                self._say(progress, vertex, words.instruction(vertex))
            return
        if change.what == "log":
            for line in change.lines if self._verbose else ():
                self._say(progress, vertex, f"| {line}")
            return
        self._told.pop(vertex.digest, None)
        if change.what == "failed":
            self._say(progress, vertex, f"FAILED after {figures.duration(vertex.seconds)}")
        elif self._brief and (vertex.cached or vertex.seconds < _WHILE):
            return
        elif vertex.name.kind is VertexKind.STEP and vertex.cached:
            self._say(progress, vertex, "CACHED")
        elif vertex.name.kind in (VertexKind.STEP, VertexKind.EXPORT) or vertex.seconds >= _ERRAND:
            self._say(progress, vertex, f"done in {figures.duration(vertex.seconds)}")

    def _say(self, progress: BuildProgress, vertex: Vertex, text: str) -> None:
        named = [words.place(image, progress.platform(vertex, image)) for image in vertex.images]
        where = f"[{', '.join(named)}] " if named else ""
        emulated = ", emulated" if progress.emulated(vertex) else ""
        self.message(f"{where}{words.step(vertex)}{emulated}: {text}")
