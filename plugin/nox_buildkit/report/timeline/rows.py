"""Rows of a lane: steps that ran at the same time stand below each other."""

from __future__ import annotations

from collections.abc import Sequence

from nox_buildkit.report.timeline.model import Step


def rows_of(
    steps: Sequence[Step], least: float = 0.0, enough: int | None = None
) -> list[list[Step]]:
    """Return ``steps`` in as few rows as there were at once; no two of a row overlap.

    ``least``: the seconds that a step is drawn with at least; ``enough``: rows below which steps as
    short as that share the last one, whether they overlap or not.
    """
    rows: list[list[Step]] = []
    free: list[float] = []
    for step in sorted(steps, key=lambda step: (step.begin, -step.end)):
        taken = next((n for n, end in enumerate(free) if end <= step.begin), len(rows))
        if enough and taken >= enough and step.seconds < least:
            taken = min(range(len(rows)), key=lambda n: free[n])
        if taken == len(rows):
            rows.append([])
            free.append(0.0)
        rows[taken].append(step)
        free[taken] = max(free[taken], step.end, step.begin + least)
    return rows
