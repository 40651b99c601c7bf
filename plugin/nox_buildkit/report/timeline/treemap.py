"""Rectangles whose areas are sizes (Bruls, Huizing and van Wijk, "Squarified Treemaps")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, by its upper left corner."""

    x: float
    y: float
    width: float
    height: float


def squarified(sizes: Sequence[float], box: Box) -> list[Box]:
    """Return a rectangle in ``box`` for each of ``sizes``, which are positive and fall."""
    total = sum(sizes)
    areas = [size * box.width * box.height / total for size in sizes]
    found: list[Box] = []
    while len(found) < len(areas):
        side = min(box.width, box.height)
        row = _row(areas[len(found) :], side)
        placed, box = _place(row, box)
        found += placed
    return found


def _row(areas: Sequence[float], side: float) -> Sequence[float]:
    """Return the first areas that stand together along ``side``, as square as they can be."""
    count = 1
    while count < len(areas) and _worst(areas[: count + 1], side) <= _worst(areas[:count], side):
        count += 1
    return areas[:count]


def _worst(row: Sequence[float], side: float) -> float:
    """Return the greatest ratio of the sides of the rectangles of a row."""
    total = sum(row)
    return max(side**2 * max(row) / total**2, total**2 / (side**2 * min(row)))


def _place(row: Sequence[float], box: Box) -> tuple[list[Box], Box]:
    """Return the rectangles of ``row``, and what they leave of ``box``."""
    total = sum(row)
    found, at = [], 0.0
    if box.width >= box.height:
        width = total / box.height
        for area in row:
            found.append(Box(box.x, box.y + at, width, area / width))
            at += area / width
        return found, Box(box.x + width, box.y, max(1e-9, box.width - width), box.height)
    height = total / box.width
    for area in row:
        found.append(Box(box.x + at, box.y, area / height, height))
        at += area / height
    return found, Box(box.x, box.y + height, box.width, max(1e-9, box.height - height))
