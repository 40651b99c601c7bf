"""Progress in the words of someone who builds images and never saw a vertex."""

from __future__ import annotations

import re

from nox_buildkit.engine.events.vertex import Amount, Name, Vertex, VertexKind
from nox_buildkit.plan.stages import CROSS, compiled_in
from nox_buildkit.report.figures import size

_FLAGS = re.compile(r"(?<= )--(?:mount|network|security|link|from|chown|chmod)(?:=\S+)? ")


_CONTEXTS = {
    "base": "base image", "builder": "image with build tools", "compiler": "image with compilers",
    "inputs": "packages and scripts", "uv": "uv", "": "base and contexts",
}  # fmt: skip


def doing(vertex: Vertex) -> str:
    """A few words: the part of the image for a step, else what BuildKit does for it."""
    name = vertex.name
    if name.kind is VertexKind.EXPORT:
        return _exporting(vertex)
    if name.kind is VertexKind.CONTEXT:
        return _context(name)
    if name.kind is VertexKind.METADATA:
        return "base image"
    if name.kind is VertexKind.CACHE:
        return "layer cache"
    if name.kind is VertexKind.INTERNAL:
        return "build definition"
    return name.part


def step(vertex: Vertex) -> str:
    """As :func:`doing`, with the number of the step in its stage, or the package it compiles."""
    if package := compiled_in(vertex.name.stage):
        cross = "cross-" * vertex.name.stage.startswith(CROSS)
        return f"{cross}compiling {vertex.task.replace('==', ' ') or package}"
    return vertex.name.step_words if vertex.name.steps else doing(vertex)


def instruction(vertex: Vertex, width: int = 72) -> str:
    """The instruction without flags, on one line of at most ``width`` characters."""
    text = " ".join(vertex.name.text.split())
    while (shorter := _FLAGS.sub("", text)) != text:
        text = shorter
    return text if len(text) <= width else text[: width - 1] + "…"


def place(image: str, platform: str | None) -> str:
    return f"{image} {platform}" if platform else image


def _context(name: Name) -> str:
    if name.text == "load build context":
        return "build context"
    if package := compiled_in(name.context):
        return f"wheel of {package}"
    return _CONTEXTS.get(name.context, name.context)


def amount(part: Amount) -> str:
    """``12.3 of 28.6 MB, 4.10 MB/s``."""
    rate = f", {size(part.rate)}/s" if part.rate else ""
    if not part.total:
        return f"{size(part.current)}{rate}"
    now, whole = size(part.current), size(part.total)
    same = now.rpartition(" ")[2] == whole.rpartition(" ")[2]
    return f"{now.rpartition(' ')[0] if same else now} of {whole}{rate}"


def _exporting(vertex: Vertex) -> str:
    part = vertex.transfer
    latest = part.name if part else ""
    if latest.startswith("pushing") or vertex.name.text.startswith("pushing"):
        return "push"
    return "image config" if latest.startswith("exporting config") else "export"
