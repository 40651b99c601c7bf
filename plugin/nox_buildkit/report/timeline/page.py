"""A timeline as one page: nothing is fetched, nothing runs, and its policy forbids both."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from nox_buildkit import output_files
from nox_buildkit.report import figures
from nox_buildkit.report.timeline.chart import chart
from nox_buildkit.report.timeline.comparison import Comparison, compare
from nox_buildkit.report.timeline.markup import Markup, element, joined
from nox_buildkit.report.timeline.model import Step, Timeline
from nox_buildkit.report.timeline.sheet import Sheet
from nox_buildkit.report.timeline.tables import (
    folded,
    path_table,
    signed,
    sizes_table,
    steps_table,
    times_table,
)
from nox_buildkit.report.timeline.weights import weights

NAME: Final = output_files.TIMELINE_PAGE
_STYLE: Final = Path(__file__).with_name("style.css")
#: Rows of a table before the rest is folded.
_LISTED: Final = 15
_LEGEND: Final = (
    ("tool", "nox-buildkit"),
    ("errand", "definitions, bases, contexts"),
    ("step", "step that ran"),
    ("step cached", "cached"),
    ("export", "export"),
    ("step critical", "critical path"),
)


def to_page(timeline: Timeline, before: Timeline | None) -> str:
    """Return the text of the page; ``before``: the build that it is compared with."""
    sheet = Sheet()
    numbers: dict[Step, int] = {}
    for step in timeline.steps:
        numbers.setdefault(step, len(numbers) + 1)
    compared = compare(timeline, before) if before else None
    main = element(
        "main",
        _header(timeline, before),
        _section("time", "Where the time went", _legend(), chart(timeline, numbers, sheet)),
        _section("path", "Critical path", _PATH, path_table(timeline, numbers, sheet)),
        _section("before", "Compared with the build before", *_changes(compared)),
        _section("size", "What makes it heavy", weights(timeline, sheet)),
        _section("steps", "Every step", steps_table(timeline, numbers)),
        id="main",
    )
    style = f"{_STYLE.read_text(encoding='utf-8')}{sheet.rules()}"
    return f"<!DOCTYPE html>\n{_document(timeline, Markup(style), main)}\n"


def _document(timeline: Timeline, style: Markup, main: Markup) -> Markup:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        # Browsers ask a server for one otherwise.
        element("link", rel="icon", href="data:,"),
        element("title", f"Build of {', '.join(timeline.built)}"),
        element("style", style),
    )
    skip = element("a", "Skip to the table of every step", href="#steps", class_="skip")
    return element("html", head, element("body", skip, _navigation(), main), lang="en")


def _navigation() -> Markup:
    places = (
        ("time", "Time"),
        ("path", "Critical path"),
        ("before", "Changes"),
        ("size", "Size"),
        ("steps", "Steps"),
    )
    links = (element("li", element("a", text, href=f"#{place}")) for place, text in places)
    return element("nav", element("ul", *links), aria_label="Parts of this page")


def _section(name: str, title: str, *children: Markup) -> Markup:
    heading = element("h2", title, id=f"{name}-title")
    return element("section", heading, *children, id=name, aria_labelledby=f"{name}-title")


_PATH = element(
    "p",
    "Each of these steps waited for the one above it, so the build ends earlier only if one of "
    "them takes less time.",
)


def _legend() -> Markup:
    items = (element("li", element("span", class_=f"key {kind}"), text) for kind, text in _LEGEND)
    return element("ul", *items, class_="legend", aria_label="Colours")


def _header(timeline: Timeline, before: Timeline | None) -> Markup:
    began = datetime.fromtimestamp(timeline.began_at, UTC)
    return element(
        "header",
        element("h1", f"Build of {', '.join(timeline.built)}"),
        element(
            "p",
            element("time", f"{began:%d %B %Y, %H:%M:%S} UTC", datetime=began.isoformat()),
            class_="when",
        ),
        element("dl", *_tiles(timeline, before)),
    )


def _tiles(timeline: Timeline, before: Timeline | None) -> Iterator[Markup]:
    same = before if before and before.built == timeline.built else None
    took = timeline.seconds - same.seconds if same else 0.0
    note = joined(signed(took, figures.duration(abs(took))), " against the build before")
    yield _figure("Time", figures.duration(timeline.seconds), note if same else None)
    steps = [step for step in timeline.steps if step.kind == "step"]
    cached = sum(step.cached for step in steps)
    yield _figure("Steps", f"{len(steps) - cached} ran", f"{cached} cached")
    if path := timeline.critical:
        longest = max(path, key=lambda step: step.seconds)
        note = joined(longest.title, ", ", longest.lane)
        yield _figure(
            "Longest on the critical path", figures.precise_duration(longest.seconds), note
        )
    for name in timeline.built:
        for result in timeline.images[name].platforms:
            size = figures.size(result.size)
            yield _figure(
                f"{name} {result.platform}", size, _grown(name, result.platform, timeline, before)
            )


def _grown(name: str, platform: str, timeline: Timeline, before: Timeline | None) -> Markup | str:
    sizes = [
        {each.platform: each.size for each in one.images[name].platforms}.get(platform)
        for one in (timeline, before)
        if one and name in one.images
    ]
    if len(sizes) < 2 or sizes[0] is None or sizes[1] is None:
        return "compressed"
    difference = sizes[0] - sizes[1]
    return joined(signed(difference, figures.size(abs(difference))), " compressed")


def _figure(title: str, value: str, note: Markup | str | None = None) -> Markup:
    return element(
        "div",
        element("dt", title),
        element("dd", value, element("small", note) if note else None),
        class_="figure",
    )


def _changes(compared: Comparison | None) -> Iterator[Markup]:
    if compared is None:
        yield element("p", "There is no earlier build of these images in this folder.")
        return
    if times := [change for change in compared.times if change.notable]:
        yield times_table("Steps that took another time, or ran again", times[:_LISTED])
        if rest := times[_LISTED:]:
            table = times_table("Other steps that took another time, or ran again", rest)
            yield folded(f"{len(rest)} smaller changes", table)
    else:
        yield element("p", "No step took notably longer, and none ran again.")
    if compared.layers:
        yield sizes_table("Layers, compressed", compared.layers)
    if compared.parts:
        yield sizes_table("Parts of the layers, unpacked", compared.parts[:_LISTED])
        if more := compared.parts[_LISTED:]:
            table = sizes_table("Other parts of the layers, unpacked", more)
            yield folded(f"{len(more)} smaller changes", table)
    if not compared.layers and not compared.parts:
        yield element("p", "Nothing grew and nothing shrank.")
