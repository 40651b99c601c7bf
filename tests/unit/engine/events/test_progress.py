from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.engine.events.rows import Count
from nox_buildkit.engine.events.vertex import Amount, Name, VertexKind, parse_name

Recorded = Callable[..., Any]


@pytest.mark.parametrize(
    ("name", "images", "expected"),
    [
        (
            "[hello linux/amd64 deps-native 2/3] RUN true",
            {"hello", "api"},
            Name(
                VertexKind.STEP,
                "RUN true",
                "hello",
                "linux/amd64",
                "deps-native",
                2,
                3,
                "linux/amd64",
            ),
        ),
        (
            "[hello linux/amd64->arm64 deps-native 2/3] RUN true",
            {"hello", "api"},
            Name(
                VertexKind.STEP,
                "RUN true",
                "hello",
                "linux/arm64",
                "deps-native",
                2,
                3,
                "linux/amd64",
            ),
        ),
        (
            "[linux/amd64->arm/v7 1/2] COPY . /",
            {"hello"},
            Name(VertexKind.STEP, "COPY . /", None, "linux/arm/v7", "", 1, 2, "linux/amd64"),
        ),
        (
            "[linux/amd64->windows/amd64 1/2] COPY . /",
            {"hello"},
            Name(VertexKind.STEP, "COPY . /", None, "windows/amd64", "", 1, 2, "linux/amd64"),
        ),
        (
            "[app 3/5] LINK COPY --link . /app",
            {"app"},
            Name(VertexKind.LINK, "COPY --link . /app", None, None, "app", 3, 5),
        ),
        (
            "[api] exporting to image",
            {"hello", "api"},
            Name(VertexKind.EXPORT, "exporting to image", "api"),
        ),
        (
            "[internal] load local bake definitions",
            {"hello", "api"},
            Name(VertexKind.INTERNAL, "load local bake definitions"),
        ),
        (
            "[linux/arm64 internal] load metadata for a.example/b:1",
            {"hello"},
            Name(VertexKind.METADATA, "load metadata for a.example/b:1", None, "linux/arm64"),
        ),
        (
            "[api context uv] load from client",
            {"hello", "api"},
            Name(VertexKind.CONTEXT, "load from client", "api", context="uv"),
        ),
        (
            "[context base::linux/amd64] OCI load from client",
            {"hello"},
            Name(VertexKind.CONTEXT, "OCI load from client", context="base"),
        ),
        ("no brackets at all", {"hello"}, Name(VertexKind.INTERNAL, "no brackets at all")),
    ],
)
def test_a_name_says_image_platform_stage_and_step(
    name: str, images: set[str], expected: Name
) -> None:
    assert parse_name(name, frozenset(images)) == expected


def test_steps_of_several_platforms_are_shared_and_the_others_belong_to_one(
    recording: Recorded,
) -> None:
    progress, _ = recording("two-images", "hello", "api").play()
    steps = {
        (row.image, row.platform): {
            (vertex.name.stage, vertex.name.step)
            for vertex in row.vertices
            if vertex.name.kind is VertexKind.STEP
        }
        for row in progress.rows()
    }
    shared = {("deps-pure", 1), ("deps-pure", 2), ("app", 1), ("app", 3)}
    own = {("deps-native", 1), ("app", 2), ("app", 4)}
    assert steps == {
        (image, platform): own if platform else shared
        for image in ("hello", "api")
        for platform in (None, "linux/amd64", "linux/arm64")
    }


@pytest.mark.parametrize(
    ("name", "image", "count"),
    [
        ("two-images", "hello", Count(10, 0, 10)),
        ("two-images", "api", Count(10, 0, 10)),
        ("two-images-cached", "api", Count(10, 10, 0)),
        ("source-changed", "hello", Count(10, 7, 3)),
    ],
)
def test_steps_are_counted_as_cached_or_executed(
    recording: Recorded, name: str, image: str, count: Count
) -> None:
    images = ("hello", "api") if name.startswith("two") else ("hello",)
    progress, _ = recording(name, *images).play()
    assert progress.count(image) == count


def test_a_build_for_one_platform_has_one_row(recording: Recorded) -> None:
    progress, _ = recording("one-platform-cached", platforms=("linux/arm64",)).play()
    (row,) = progress.rows()
    assert (row.platform, row.count) == ("linux/arm64", Count(7, 7, 0))
    assert not row.running


def test_equal_work_of_two_images_that_buildkit_merged_is_no_failure(recording: Recorded) -> None:
    progress, updates = recording("two-images", "hello", "api").play()
    assert any(vertex.cancelled for vertex in progress.vertices.values())
    assert progress.failed == ()
    assert not [c for update in updates for c in update.changes if c.what == "failed"]


def test_each_step_is_reported_as_finished_once(recording: Recorded) -> None:
    _, updates = recording("source-changed").play()
    finished = [
        c.vertex.digest for update in updates for c in update.changes if c.what == "finished"
    ]
    assert len(finished) == len(set(finished)) > 10


def test_a_log_that_comes_in_pieces_is_put_together(recording: Recorded) -> None:
    progress, updates = recording("no-wheel-python").play()
    first = progress.failed[0]
    assert first.name.stage == "deps-native"
    assert "error: No solution found when resolving dependencies" in progress.log(first.digest)
    told = [
        line
        for update in updates
        for change in update.changes
        if change.what == "log" and change.vertex.digest == first.digest
        for line in change.lines
    ]
    assert told == list(progress.log(first.digest))


def test_logs_lose_escape_sequences_credentials_and_rewritten_lines() -> None:
    progress = BuildProgress({"hello": ("linux/amd64",)})
    progress.feed({"vertexes": [{"digest": "d", "name": "[1/1] RUN x"}]}, 0)
    data = b"10%\r50%\r\x1b[32mdone\x1b[0m\r\nfrom https://me:secret@index.example/simple\xff\n"
    progress.feed({"logs": [{"vertex": "d", "data": base64.b64encode(data).decode()}]}, 0)
    assert progress.log("d") == ("done", "from https://***@index.example/simple\ufffd")


def test_unknown_and_empty_objects_are_ignored() -> None:
    progress = BuildProgress({"hello": ("linux/amd64",)})
    assert progress.feed({}, 0) == []
    assert progress.feed({"vertexes": None, "statuses": None, "new": 1}, 0) == []
    assert progress.feed({"statuses": [{"vertex": "nobody", "id": "x"}]}, 0) == []
    assert [row.count for row in progress.rows()] == [Count()]


def test_bytes_under_way_are_known_until_they_are_through(recording: Recorded) -> None:
    stream = recording("retried-write", "base")
    progress = BuildProgress(stream.images)
    seen = 0
    for _ in stream.updates(progress):
        under_way = [vertex.transfer for vertex in progress.vertices.values() if vertex.transfer]
        seen = max([seen, *(part.current for part in under_way)])
    assert seen > 1_000_000
    assert not any(vertex.transfer for vertex in progress.vertices.values())


def test_bytes_are_counted_with_their_rate() -> None:
    progress = BuildProgress({"hello": ("linux/amd64",)})
    layer = {"vertex": "v", "id": "sha256:aa", "total": 40_000_000}
    started = "2026-01-01T00:00:00Z"
    name = "[context base::linux/amd64] OCI load from client"
    progress.feed({"vertexes": [{"digest": "v", "name": name, "started": started}]}, 10.0)
    assert progress.vertices["v"].amount(10.0) is None
    progress.feed({"statuses": [{**layer, "current": 0}]}, 10.0)
    progress.feed({"statuses": [{**layer, "current": 10_000_000}]}, 12.0)
    amount = progress.vertices["v"].amount(12.0)
    assert amount == Amount(10_000_000, 40_000_000, 5_000_000.0)
    progress.feed({"statuses": [{**layer, "current": 40_000_000, "completed": started}]}, 14.0)
    assert progress.vertices["v"].amount(14.0) is None


def test_a_step_says_which_package_it_compiles_and_whether_that_is_emulated() -> None:
    progress = BuildProgress({"hello": ("linux/arm64",)}, emulated={"linux/arm64"})
    for digest, where in (("here", "linux/amd64 here"), ("there", "linux/arm64 wheel")):
        name = f"[{where}-uwsgi-79ca1891 1/1] RUN python3 make_wheel.py"
        progress.feed({"vertexes": [{"digest": digest, "name": name}]}, 0.0)
    for line in ("compiling uwsgi==2.0.28\n", "compiling plugins\ngcc -c core.c\n"):
        data = base64.b64encode(line.encode()).decode()
        progress.feed({"logs": [{"vertex": "there", "data": data}]}, 1.0)
    here, there = progress.vertices["here"], progress.vertices["there"]
    assert (there.task, there.said) == ("uwsgi==2.0.28", "gcc -c core.c")
    assert (here.task, here.said) == ("", "")
    assert [progress.emulated(vertex) for vertex in (here, there)] == [False, True]
