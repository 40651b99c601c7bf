"""Steps of recorded builds, and of the tool around them."""

from __future__ import annotations

import itertools

from nox_buildkit.report.timeline.comparison import compare
from nox_buildkit.report.timeline.model import BUILDKIT, TOOL, StepTime, Timeline
from nox_buildkit.report.timeline.record import parse, serialize
from nox_buildkit.report.timeline.recorder import BAKE
from tests.support.timelines import timeline


def times(found: Timeline) -> list[StepTime]:
    """Return the times of what stages do, for both images."""
    every = [time for entry in found.images.values() for time in entry.times]
    return [t for t in every if t.lane.startswith(("hello ", "api ")) and t.title != "export"]


def test_lanes_are_the_tool_buildkit_and_images_by_platform() -> None:
    found = timeline()
    assert found.lanes[:2] == (TOOL, BUILDKIT)
    assert {"hello linux/amd64", "hello linux/arm64", "api linux/amd64"} <= set(found.lanes)


def test_the_critical_path_goes_from_the_lock_to_the_archive_through_the_bake() -> None:
    found = timeline()
    path = found.critical
    assert path[0].title == "lock" and path[-1].title == "checks and archives"
    assert BAKE not in {step.title for step in path}
    assert {"step", "export"} <= {step.kind for step in path}
    # Times of different clocks differ by the delay of events.
    assert all(one.begin <= other.begin for one, other in itertools.pairwise(path))


def test_steps_of_a_build_from_the_cache_are_cached() -> None:
    ran, cached = timeline(), timeline("two-images-cached")
    assert not [t for t in times(ran) if t.cached]
    assert not [t for t in times(cached) if not t.cached]


def test_equal_work_of_two_images_is_one_step() -> None:
    steps = [s for s in timeline().steps if s.title == "pure-Python packages 2/3" and not s.cached]
    assert [(step.lane, step.images) for step in steps] == [
        ("hello, api all platforms", ("hello", "api"))
    ]


def test_what_ran_again_is_told_by_a_comparison() -> None:
    ran, cached = timeline(), timeline("two-images-cached")
    again, never = compare(ran, cached), compare(cached, ran)
    assert again and never
    steps = {(t.lane, t.title) for t in times(ran)} & {(t.lane, t.title) for t in times(cached)}
    assert ("hello linux/arm64", "native packages 1/2") in steps
    assert {(c.now.lane, c.now.title) for c in again.times if c.ran_again} == steps
    assert not [change for change in never.times if change.ran_again]

    same = compare(ran, ran)
    assert same and not [change for change in same.times if change.notable]
    assert not same.layers and not same.parts


def test_a_build_is_compared_with_none_of_other_images() -> None:
    assert compare(timeline(images=("hello", "api")), timeline("push", ("third",))) is None


def test_a_record_is_read_as_it_was_written() -> None:
    found = timeline()
    assert parse(serialize(found).encode()) == found
