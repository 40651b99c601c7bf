"""A trace is what Perfetto and chrome://tracing take: slices of a thread never overlap."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from typing import Any

from nox_buildkit.report.timeline.trace import to_trace
from tests.support.timelines import hostile_timeline, timeline


def events(kind: str) -> list[dict[str, Any]]:
    return [
        event for event in json.loads(to_trace(timeline()))["traceEvents"] if event["ph"] == kind
    ]


def test_every_step_is_a_slice_and_no_two_of_a_thread_overlap() -> None:
    found = timeline()
    threads: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for event in events("X"):
        threads[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    assert sum(map(len, threads.values())) == len(found.steps)
    for spans in threads.values():
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(sorted(spans)))


def test_lanes_are_processes_with_names_and_their_order() -> None:
    named = {
        event["pid"]: event["args"]["name"]
        for event in events("M")
        if event["name"] == "process_name"
    }
    assert tuple(named.values()) == timeline().lanes
    assert {event["pid"] for event in events("X")} == set(named)


def test_arrows_lead_along_the_critical_path() -> None:
    path = timeline().critical
    begins, ends = events("s"), events("f")
    assert len(begins) == len(ends) == len(path) - 1
    assert [event["id"] for event in begins] == [event["id"] for event in ends]
    slices = {(event["pid"], event["tid"], event["ts"]) for event in events("X")}
    assert {(e["pid"], e["tid"], e["ts"]) for e in (*begins, *ends)} <= slices


def test_it_is_the_same_each_time_and_has_no_credentials() -> None:
    assert to_trace(timeline()) == to_trace(timeline())
    assert "hidden-token" not in to_trace(hostile_timeline())
