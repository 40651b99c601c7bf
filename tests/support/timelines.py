"""Timelines out of recorded streams, and of builds by somebody who means harm."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from nox_buildkit.engine.bake import Update
from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.oci.layer_contents import Part
from nox_buildkit.report.console import RawJson
from nox_buildkit.report.timeline.comparison import step_times
from nox_buildkit.report.timeline.model import ImageEntry, Timeline
from nox_buildkit.report.timeline.recorder import BAKE, Recorded, Recorder
from nox_buildkit.report.timeline.steps import steps_of
from nox_buildkit.results.model import Layer, PlatformResult
from nox_buildkit.stopwatch import Measured, Stopwatch

STREAMS = Path(__file__).parents[1] / "unit" / "streams"
BOTH = ("linux/amd64", "linux/arm64")
#: The moment at which recorded builds began, by a monotonic clock.
BEGAN = 1000.0

#: Ends an element, an attribute, a style and a comment, and tries to run something.
HOSTILE = (
    "</style></title></code>--><script>document.title='owned'</script>"
    "\"'><img src=https://attacker.example/x onerror=\"document.title='owned'\">"
    "<a href=javascript:alert(1) autofocus onfocus=alert(1)>"
)
#: Reverses what follows, where it is shown as it is.
REVERSING = "\u202e"


def recorded_stream(name: str) -> list[dict[str, Any]]:
    """Return the objects of a recorded stream."""
    lines = (STREAMS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def played(
    objects: Iterable[Mapping[str, Any]], images: Mapping[str, tuple[str, ...]]
) -> list[Recorded]:
    """Return the bake that ``objects`` tell of, each read when its last event was stamped."""
    with Path("/dev/null").open("w") as nobody:
        recorder = Recorder(RawJson(nobody, nobody))
        progress, first, now = BuildProgress(images), None, 0.0
        for status in objects:
            now = max([now, *_stamps(status)])
            first = first if first is not None else now
            at = BEGAN + 1 + now - first
            changes = tuple(progress.feed(status, at))
            recorder.event(Update(progress, at, json.dumps(status), status, changes))
    return recorder.bakes


def watch_of(bakes: Iterable[Recorded]) -> Stopwatch:
    """Return a stopwatch of a run that planned for a second, baked, and packed for half of one."""
    ends = [
        end
        for bake in bakes
        for digest in bake.progress.vertices
        for _, end in bake.runs.of(digest)
    ]
    end = max(ends, default=BEGAN + 1)
    steps = [
        Measured("lock", BEGAN, BEGAN + 0.25),
        Measured("facts", BEGAN + 0.25, BEGAN + 1),
        Measured(BAKE, BEGAN + 1, end),
        Measured("checks and archives", end, end + 0.5),
    ]
    return Stopwatch(BEGAN, 1_790_000_000.0, steps)


def timeline(
    stream: str = "two-images",
    images: Iterable[str] = ("hello", "api"),
    objects: Iterable[Mapping[str, Any]] | None = None,
    parts: Iterable[Part] = (),
) -> Timeline:
    """Return the timeline of a recorded build, with layers that are made up."""
    names = dict.fromkeys(images, BOTH)
    bakes = played(recorded_stream(stream) if objects is None else objects, names)
    watch = watch_of(bakes)
    steps = steps_of(watch, bakes)
    layers = (
        Layer("base", "sha256:base", 25_000_000),
        Layer("apt", "sha256:apt", 3_000_000),
        Layer("pure", "sha256:pure", 9_000_000),
        Layer("native", "sha256:native", 6_000_000),
        Layer("app", "sha256:app", 2_000),
    )
    entries = {
        name: ImageEntry(
            tuple(PlatformResult(each, f"sha256:{name}-{each}", layers) for each in BOTH),
            step_times(name, steps),
        )
        for name in names
    }
    contents = {
        "sha256:base": (Part("file", "/usr/lib/libbig.so", "", 20_000_000), _folder(9_000_000)),
        "sha256:apt": (Part("debian", "libpq5", "", 8_000_000),),
        "sha256:native": (Part("python", "uvloop", "0.23.0", 16_000_000),),
        "sha256:pure": (Part("python", "fastapi", "0.116.1", 7_000_000), *parts),
        "sha256:app": (Part("folder", "/app/app", "", 5_000),),
    }
    seconds = watch.steps[-1].end - BEGAN
    return Timeline(tuple(names), watch.began_at, seconds, steps, entries, contents)


def _folder(size: int) -> Part:
    return Part("folder", "/usr/lib/python3.13", "", size)


def hostile_timeline() -> Timeline:
    """Return the timeline of a build whose names are written to be more than text."""
    objects = recorded_stream("two-images")
    for status in objects:
        for vertex in status.get("vertexes") or ():
            vertex["name"] += f" {HOSTILE}{REVERSING} https://me:hidden-token@index.example/simple"
    found = timeline(objects=objects, parts=[Part("python", HOSTILE, HOSTILE, 3_000_000)])
    steps = tuple(
        replace(s, title=f"{s.title} {HOSTILE}", lane=f"{s.lane} {HOSTILE}") for s in found.steps
    )
    return replace(found, steps=steps)


def _stamps(status: Mapping[str, Any]) -> list[float]:
    texts = [v.get(key) for v in status.get("vertexes") or () for key in ("started", "completed")]
    return [datetime.fromisoformat(text).timestamp() for text in texts if text]
