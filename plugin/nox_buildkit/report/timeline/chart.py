"""The chart of a timeline: a lane an image and platform, with a link a step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from nox_buildkit.report import figures
from nox_buildkit.report.timeline.markup import Markup, element, joined
from nox_buildkit.report.timeline.model import BUILDKIT, Step, Timeline
from nox_buildkit.report.timeline.rows import rows_of
from nox_buildkit.report.timeline.sheet import Sheet

#: A step is drawn at least this wide, as a part of the chart.
_LEAST = 0.006
_TICKS = 8
#: Rows of a lane that short steps are worth.
_ROWS = 3
_ZOOMS = (1, 2, 4, 8)


def chart(timeline: Timeline, numbers: Mapping[Step, int], sheet: Sheet) -> Markup:
    """Return the chart; ``numbers``: of the row of a step in the table."""
    whole = max([timeline.seconds, *(step.end for step in timeline.steps)]) or 1.0
    lanes = (_lane(timeline, lane, whole, numbers, sheet) for lane in timeline.lanes)
    ticks = list(_ticks(whole))
    plot = element(
        "div",
        element(
            "div", *(_tick(at, whole, sheet) for at in ticks), class_="grid", aria_hidden="true"
        ),
        _ribbon(timeline, whole, sheet),
        *lanes,
        class_="plot",
    )
    scroller = element(
        "div", plot, class_="scroller", role="region", tabindex=0, aria_label="Chart of all steps"
    )
    return joined(*_zooms(), scroller)


def _zooms() -> Iterator[Markup]:
    """Yield what widens the chart: without a script, by the state of radio buttons."""
    yield element("span", "Zoom", class_="zoom-label", id="zoom")
    for zoom in _ZOOMS:
        name = f"zoom{zoom}"
        yield element(
            "input",
            type="radio",
            name="zoom",
            id=name,
            checked=zoom == 1,
            class_="zoom",
            aria_describedby="zoom",
        )
        yield element("label", f"{zoom}\N{MULTIPLICATION SIGN}", for_=name, class_="zoom-choice")


def _ribbon(timeline: Timeline, whole: float, sheet: Sheet) -> Markup:
    """Return the critical path in one row; its links are in the lanes, and its words in a table."""
    bars = []
    end = 0.0
    for step in timeline.critical:
        begin, end = max(end, step.begin), max(end, step.end)
        place = sheet.span(begin / whole, (end - begin) / whole)
        label = element("span", element("span", step.title, class_="label"), class_="box")
        bars.append(element("span", label, class_=f"bar {step.kind} {place}"))
    return element(
        "div",
        element("p", "critical path", class_="lane-name"),
        element("div", *bars, class_="row"),
        class_="lane ribbon",
        aria_hidden="true",
    )


def _lane(
    timeline: Timeline, lane: str, whole: float, numbers: Mapping[Step, int], sheet: Sheet
) -> Markup:
    own = [step for step in timeline.steps if step.lane == lane]
    rows = rows_of(own, _LEAST * whole, _ROWS)
    bars = (_row(row, whole, numbers, sheet) for row in rows)
    cached = sum(step.cached for step in own)
    ran = len(own) - cached
    counts = ", ".join([f"{ran} ran", *([f"{cached} cached"] if cached else [])])
    return element(
        "div",
        element("h3", lane, element("small", counts), class_="lane-name"),
        element("div", *bars, class_="rows"),
        class_="lane errands" if lane == BUILDKIT else "lane",
    )


def _row(steps: Sequence[Step], whole: float, numbers: Mapping[Step, int], sheet: Sheet) -> Markup:
    return element(
        "ol", *(element("li", _bar(step, whole, numbers[step], sheet)) for step in steps)
    )


def _bar(step: Step, whole: float, number: int, sheet: Sheet) -> Markup:
    place = sheet.span(step.begin / whole, step.seconds / whole)
    states = [state for state in ("cached", "critical") if getattr(step, state)]
    return element(
        "a",
        element("span", element("span", step.title, class_="label"), class_="box"),
        _tip(step),
        href=f"#step-{number}",
        id=f"bar-{number}",
        class_=" ".join(("bar", step.kind, *states, place)),
        aria_label=described(step),
    )


def described(step: Step) -> str:
    """Return a step in a sentence."""
    said = f"{step.title}, {step.lane}: {figures.precise_duration(step.seconds)}"
    said += f" from {figures.precise_duration(step.begin)}"
    if step.cached:
        said += ", cached"
    return f"{said}, on the critical path" if step.critical else said


def _tip(step: Step) -> Markup:
    when = f"{figures.precise_duration(step.begin)} to {figures.precise_duration(step.end)}"
    return element(
        "span",
        element("b", step.title),
        element("span", step.lane),
        element("span", f"{figures.precise_duration(step.seconds)}, {when}"),
        element("span", "cached", class_="badge cached") if step.cached else None,
        element("span", "critical path", class_="badge critical") if step.critical else None,
        element("code", step.detail) if step.detail else None,
        class_="tip",
        aria_hidden="true",
    )


def _ticks(whole: float) -> Iterator[float]:
    rough = whole / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    distance = next(n * power for n in (1, 2, 5, 10) if n * power >= rough)
    for number in range(int(whole / distance) + 1):
        yield number * distance


def _tick(at: float, whole: float, sheet: Sheet) -> Markup:
    return element("span", f"{at:.6g} s", class_=f"tick {sheet.span(at / whole, 0)}")
