"""A timeline in the Trace Event Format, which Perfetto and chrome://tracing open.

Source: "Trace Event Format" of the Chromium project (complete, metadata and flow events).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any, Final

from nox_buildkit import output_files
from nox_buildkit.report.timeline.model import Step, Timeline
from nox_buildkit.report.timeline.rows import rows_of

NAME: Final = output_files.TRACE
#: Colours of chrome://tracing; Perfetto has its own.
_CRITICAL, _CACHED = "terrible", "grey"


def to_trace(timeline: Timeline) -> str:
    """Return the text of a trace: a process a lane, and a thread for each of its rows."""
    value = {
        "displayTimeUnit": "ms",
        "traceEvents": [*_events(timeline)],
        "otherData": {"images": ", ".join(timeline.built), "producer": "nox-buildkit"},
    }
    return json.dumps(value, ensure_ascii=False) + "\n"


def _events(timeline: Timeline) -> Iterator[dict[str, Any]]:
    places: dict[Step, dict[str, int]] = {}
    for pid, lane in enumerate(timeline.lanes, 1):
        yield _named("process_name", pid, 0, name=lane)
        yield _named("process_sort_index", pid, 0, sort_index=pid)
        own = [step for step in timeline.steps if step.lane == lane]
        # Slices of one thread must not overlap.
        for tid, row in enumerate(rows_of(own), 1):
            yield _named("thread_name", pid, tid, name=f"{lane} {tid}" if tid > 1 else lane)
            for step in row:
                places[step] = {"pid": pid, "tid": tid}
                yield _slice(step, places[step])
    path = timeline.critical
    for number, (one, other) in enumerate(itertools.pairwise(path), 1):
        arrow = {"name": "critical path", "cat": "critical path", "id": number}
        yield {**arrow, "ph": "s", "ts": _microseconds(one.begin), **places[one]}
        yield {**arrow, "ph": "f", "bp": "e", "ts": _microseconds(other.begin), **places[other]}


def _slice(step: Step, place: dict[str, int]) -> dict[str, Any]:
    event: dict[str, Any] = {
        "ph": "X",
        "name": step.title,
        "cat": step.kind,
        "ts": _microseconds(step.begin),
        "dur": _microseconds(step.end) - _microseconds(step.begin),
        **place,
        "args": {"instruction": step.detail, "cached": step.cached, "critical": step.critical},
    }
    colour = _CRITICAL if step.critical else _CACHED if step.cached else ""
    return {**event, "cname": colour} if colour else event


def _named(what: str, pid: int, tid: int, **arguments: object) -> dict[str, Any]:
    return {"ph": "M", "name": what, "pid": pid, "tid": tid, "args": arguments}


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)
