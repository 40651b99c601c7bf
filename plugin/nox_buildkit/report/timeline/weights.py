"""Sizes of an image: its layers as a bar, and the parts of them as a treemap."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nox_buildkit.oci.layer_contents import Part
from nox_buildkit.plan.operations import LayerKind
from nox_buildkit.report import figures
from nox_buildkit.report.timeline.markup import Markup, element, joined
from nox_buildkit.report.timeline.model import Timeline
from nox_buildkit.report.timeline.sheet import NARROW, Sheet
from nox_buildkit.report.timeline.tables import folded, meter, row, table
from nox_buildkit.report.timeline.treemap import Box, squarified
from nox_buildkit.results.model import PlatformResult

_TITLES: Mapping[LayerKind, str] = {
    "base": "base",
    "apt": "Debian packages",
    "pure": "pure-Python packages",
    "native": "native packages",
    "app": "application",
}
#: Width by height of the map, on wide pages and on narrow ones.
_WIDE, _NARROW = 2.6, 0.75
#: Parts that a map shows by themselves, and a table at once.
_SHOWN, _LISTED = 60, 15


@dataclass(frozen=True, slots=True)
class _Weight:
    layer: LayerKind
    name: str
    version: str
    size: int
    large_file: bool = False


def weights(timeline: Timeline, sheet: Sheet) -> Markup:
    """Return a section an image and platform that was built."""
    found = []
    for name in timeline.built:
        for number, result in enumerate(timeline.images[name].platforms):
            place = f"{name} {result.platform}"
            summary = element(
                "summary",
                element("h3", place),
                element("span", f" {figures.size(result.size)} compressed"),
            )
            body = _platform(place, result, timeline.contents, sheet)
            found.append(element("details", summary, body, open=number == 0))
    return joined(*found)


def _platform(
    place: str, result: PlatformResult, contents: Mapping[str, Sequence[Part]], sheet: Sheet
) -> Markup:
    every = [
        _Weight(layer.kind, part.name, part.version, part.size, part.kind == "file")
        for layer in result.layers
        for part in contents.get(layer.digest, ())
    ]
    unread = [layer for layer in result.layers if layer.digest not in contents]
    missing = f"{len(unread)} layers are of a form that cannot be read." if unread else None
    return joined(
        _layers(place, result, sheet),
        element("p", missing) if missing else None,
        *((_map(place, every, sheet), *_parts(place, every, sheet)) if every else ()),
    )


def _layers(place: str, result: PlatformResult, sheet: Sheet) -> Markup:
    total = result.size or 1
    kinds = [kind for kind in _TITLES if result.size_of(kind)]
    sizes = {kind: result.size_of(kind) for kind in kinds}
    bar = (
        element("span", class_=f"slice {kind} {sheet.width(sizes[kind] / total)}") for kind in kinds
    )
    headings = ("Layer", "Compressed", "Share")
    rows = (
        row(
            headings,
            (
                joined(element("span", class_=f"swatch {kind}"), _TITLES[kind]),
                figures.size(sizes[kind]),
                meter(sizes[kind] / total, sheet, kind),
            ),
        )
        for kind in kinds
    )
    return joined(
        element("div", *bar, class_="slices", aria_hidden="true"),
        table(f"Layers of {place}, as they are pulled", headings, rows),
    )


def _map(place: str, every: Sequence[_Weight], sheet: Sheet) -> Markup:
    wide = dict(_boxes(every, _WIDE))
    narrow = dict(_boxes(every, _NARROW))
    tiles = (_tile(each, wide[each], narrow[each], sheet) for each in wide)
    largest = ", ".join(f"{each.name} {figures.size(each.size)}" for each in _largest(every)[:3])
    return element(
        "div",
        *tiles,
        class_="map",
        role="img",
        aria_label=f"Parts of {place} by unpacked size. The largest: {largest}. "
        "The table below has the same figures.",
    )


def _boxes(every: Sequence[_Weight], ratio: float) -> Iterator[tuple[_Weight, Box]]:
    """Yield parts with their places: those of a layer stand together."""
    shown = _condensed(every)
    totals = {kind: sum(each.size for each in shown if each.layer == kind) for kind in _TITLES}
    kinds = sorted((kind for kind in totals if totals[kind]), key=lambda kind: -totals[kind])
    outer = squarified([totals[kind] for kind in kinds], Box(0, 0, ratio, 1))
    for kind, box in zip(kinds, outer, strict=True):
        own = _largest([each for each in shown if each.layer == kind])
        for each, inner in zip(own, squarified([w.size for w in own], box), strict=True):
            yield each, Box(inner.x / ratio, inner.y, inner.width / ratio, inner.height)


def _condensed(every: Sequence[_Weight]) -> list[_Weight]:
    """Return the largest parts, and the rest of each layer as one."""
    largest = _largest(every)
    rest: dict[LayerKind, list[_Weight]] = {}
    for each in largest[_SHOWN:]:
        rest.setdefault(each.layer, []).append(each)
    others = [
        _Weight(kind, f"{len(group)} others", "", sum(each.size for each in group))
        for kind, group in rest.items()
    ]
    return [*largest[:_SHOWN], *others]


def _largest(every: Sequence[_Weight]) -> list[_Weight]:
    return sorted(every, key=lambda each: (-each.size, each.layer, each.name))


def _tile(weight: _Weight, wide: Box, narrow: Box, sheet: Sheet) -> Markup:
    size = figures.size(weight.size)
    shown = posixpath.basename(weight.name) if weight.large_file else weight.name
    label = element("span", element("b", shown), element("span", size), class_="label")
    places = f"{sheet.place(wide)} {sheet.place(narrow, NARROW)}"
    title = f"{weight.name} {weight.version}".strip()
    return element(
        "span",
        element("span", label, class_="box"),
        class_=f"tile {weight.layer} {places}",
        title=f"{title}: {size}, {_TITLES[weight.layer]}",
    )


def _parts(place: str, every: Sequence[_Weight], sheet: Sheet) -> Iterator[Markup]:
    total = sum(each.size for each in every) or 1
    headings = ("Part", "Layer", "Unpacked", "Share")
    rows = [
        row(
            headings,
            (
                joined(each.name, element("small", f" {each.version}") if each.version else None),
                joined(element("span", class_=f"swatch {each.layer}"), _TITLES[each.layer]),
                figures.size(each.size),
                meter(each.size / total, sheet, each.layer),
            ),
        )
        for each in _largest(every)
    ]
    yield table(f"Largest parts of {place}, unpacked", headings, rows[:_LISTED])
    if rest := rows[_LISTED:]:
        other = table(f"Other parts of {place}, unpacked", headings, rest)
        yield folded(f"{len(rest)} smaller parts", other)
