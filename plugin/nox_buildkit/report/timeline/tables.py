"""Tables of a timeline's page: the critical path, every step, and what the build before took."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from nox_buildkit.report import figures
from nox_buildkit.report.timeline.comparison import SizeChange, TimeChange
from nox_buildkit.report.timeline.markup import Child, Markup, element, joined
from nox_buildkit.report.timeline.model import Step, StepTime, Timeline
from nox_buildkit.report.timeline.sheet import Sheet

#: Columns of words; the others are numbers.
_WORDS = frozenset(
    {"", "#", "Step", "Where", "State", "Share", "Instruction", "Part", "Kind", "Layer"}
)


#: Steps of the critical path that are told together, as a part of the build.
_SHORT = 0.005
_MINUS = "\N{MINUS SIGN}"


def table(caption: str, headings: Sequence[str], rows: Iterable[Markup]) -> Markup:
    """Return a table that scrolls by itself where the page is narrow."""
    cells = (
        element("th", heading, scope="col", class_=None if heading in _WORDS else "number")
        for heading in headings
    )
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *cells)),
        element("tbody", *rows),
    )
    return element("div", whole, class_="wide", role="region", tabindex=0, aria_label=caption)


def row(headings: Sequence[str], cells: Sequence[Child], **attributes: Child) -> Markup:
    """Return a row; the cell of the first column of words but ``#`` is its heading."""
    first = next(n for n, heading in enumerate(headings) if heading != "#")
    return element("tr", *_cells(headings, cells, first), **attributes)


def _cells(headings: Sequence[str], cells: Sequence[Child], first: int) -> Iterator[Markup]:
    for number, (heading, cell) in enumerate(zip(headings, cells, strict=True)):
        if number == first:
            yield element("th", cell, scope="row")
        else:
            yield element("td", cell, class_=None if heading in _WORDS else "number")


def meter(part: float, sheet: Sheet, kind: str = "") -> Markup:
    """Return a bar for a part of a whole, with its percentage."""
    bar = element("span", class_=f"meter {kind} {sheet.width(part)}".replace("  ", " "))
    return joined(
        element("span", bar, class_="meter-room", aria_hidden="true"),
        element("span", f"{100 * part:.0f} %", class_="percent"),
    )


def path_table(timeline: Timeline, numbers: Mapping[Step, int], sheet: Sheet) -> Markup:
    """Return the critical path: what each step added to the time of the build."""
    headings = ("Step", "Where", "Added", "Share")
    whole = timeline.seconds or 1.0
    rows, short, end, told = [], 0, 0.0, 0.0
    for step in timeline.critical:
        added = max(0.0, step.end - max(end, step.begin))
        end = max(end, step.end)
        if added < _SHORT * whole:
            short += 1
            continue
        told += added
        link = element("a", step.title, href=f"#step-{numbers[step]}")
        share = meter(added / whole, sheet, step.kind)
        rows.append(row(headings, (link, step.lane, figures.precise_duration(added), share)))
    rest = max(0.0, timeline.seconds - told)
    title = f"{short} short steps, and what is between the steps"
    share = meter(rest / whole, sheet, "errand")
    rows.append(row(headings, (title, "", figures.precise_duration(rest), share)))
    return table(
        "What each step of the critical path added to the time of the build", headings, rows
    )


def steps_table(timeline: Timeline, numbers: Mapping[Step, int]) -> Markup:
    """Return every step: the same as the chart, in words."""
    headings = ("#", "Step", "Where", "Begin", "Time", "State", "Instruction")
    rows = []
    for step in timeline.steps:
        number = numbers[step]
        back = element(
            "a", str(number), href=f"#bar-{number}", aria_label=f"Step {number} in the chart"
        )
        cells = (
            back,
            step.title,
            step.lane,
            figures.precise_duration(step.begin),
            figures.precise_duration(step.seconds),
            joined(*_states(step)),
            element("code", step.detail) if step.detail else "",
        )
        rows.append(row(headings, cells, id=f"step-{number}", tabindex="-1"))
    return table("Every step", headings, rows)


def _states(step: Step) -> Iterator[Markup]:
    yield badge("cached" if step.cached else "ran")
    if step.critical:
        yield badge("critical", "critical path")


def badge(kind: str, text: str = "") -> Markup:
    """Return a word in a frame."""
    return element("span", text or kind, class_=f"badge {kind}")


def folded(summary: str, whole: Markup) -> Markup:
    """Return a table that is shown on demand."""
    return element("details", element("summary", summary), whole, class_="rest")


def times_table(caption: str, changes: Iterable[TimeChange]) -> Markup:
    """Return steps beside the build before."""
    headings = ("Step", "Where", "Before", "Now", "Difference", "State")
    rows = []
    for change in changes:
        cells = (
            change.now.title,
            change.now.lane,
            _time(change.before),
            _time(change.now),
            signed(change.difference, figures.precise_duration(abs(change.difference))),
            _state(change),
        )
        rows.append(row(headings, cells))
    return table(caption, headings, rows)


def sizes_table(caption: str, changes: Iterable[SizeChange]) -> Markup:
    """Return layers or parts beside the build before."""
    headings = ("Part", "Where", "Before", "Now", "Difference")
    rows = []
    for change in changes:
        was, version = change.versions
        renewed = (
            element("small", f" {was or 'none'} → {version or 'none'}") if was != version else ""
        )
        cells = (
            joined(change.name, renewed),
            change.place,
            figures.size(change.before) if change.before else "none",
            figures.size(change.now) if change.now else "none",
            signed(change.difference, figures.size(abs(change.difference))),
        )
        rows.append(row(headings, cells))
    return table(caption, headings, rows)


def signed(difference: float, shown: str) -> Markup:
    """Return a difference with its direction, in a colour and in a sign."""
    if difference == 0:
        return element("span", "±0", class_="same")
    more = difference > 0
    return element("span", f"{'+' if more else _MINUS}{shown}", class_="more" if more else "less")


def _time(time: StepTime | None) -> str:
    if time is None:
        return "none"
    return "cached" if time.cached else figures.precise_duration(time.seconds)


def _state(change: TimeChange) -> Markup:
    if change.before is None:
        return badge("new")
    if change.ran_again:
        return badge("again", "ran again")
    if change.now.cached:
        return badge("cached", "cached now" if not change.before.cached else "cached")
    return badge("ran")
