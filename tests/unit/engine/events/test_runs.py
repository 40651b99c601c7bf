from __future__ import annotations

import pytest

from nox_buildkit.engine.events.runs import Runs

#: Noon by the engine's clock.
NOON = "2026-11-21T12:00:0{}Z"


def event(started: float, completed: float | None = None, digest: str = "a") -> dict[str, object]:
    vertex = {"digest": digest, "started": NOON.format(started)}
    if completed is not None:
        vertex["completed"] = NOON.format(completed)
    return {"vertexes": [vertex]}


def test_times_are_the_engines_by_our_clock() -> None:
    runs = Runs()
    runs.feed(event(0), 100.02)
    # Two events at once, told a little later.
    runs.feed(event(0, 3), 103.3)
    runs.feed(event(1, 3, "b"), 103.3)

    assert runs.of("a")[0] == pytest.approx((100.02, 103.02))
    assert runs.of("b")[0] == pytest.approx((101.02, 103.02))


def test_a_node_whose_clock_is_behind_is_taken_at_our_word() -> None:
    runs = Runs()
    runs.feed(event(5), 100.0)
    runs.feed(event(0, digest="behind"), 101.0)
    runs.feed(event(0, 2, digest="behind"), 103.0)

    assert runs.of("behind") == ((101.0, 103.0),)


def test_each_run_of_a_vertex_counts_and_one_that_goes_on_does_not() -> None:
    runs = Runs()
    for started, completed in ((0, 1), (0, 1), (2, 3)):
        runs.feed(event(started, completed), 100.0 + completed)
    runs.feed(event(4), 104.0)

    assert [round(end - begin, 6) for begin, end in runs.of("a")] == [1, 1]


def test_what_is_no_time_is_left_out() -> None:
    runs = Runs()
    runs.feed({"vertexes": [{"digest": "a", "started": "noon"}, {"digest": "b"}]}, 1.0)

    assert runs.of("a") == runs.of("b") == ()
