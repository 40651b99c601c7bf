"""The table at the end of a build."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from nox_buildkit.plan.operations import LayerKind
from nox_buildkit.printable import visible_lines
from nox_buildkit.report import figures
from nox_buildkit.results.model import ImageResult

_KINDS: tuple[LayerKind, ...] = ("base", "apt", "pure", "native", "app")
#: The layers of few images; their column is left out where there are none.
_RARE: tuple[LayerKind, ...] = ("apt",)
_LEFT = 3
_NEEDED = ("image", "platform", "digest", "total")
#: Columns to do without, the fewest first.
_DROPPED: tuple[frozenset[str], ...] = (
    frozenset(),
    frozenset(_KINDS),
    frozenset({*_KINDS, "cached/run"}),
    frozenset({*_KINDS, "cached/run", "time"}),
)
_UNLIMITED = 10_000


def print_summary(console: Console, results: Sequence[ImageResult]) -> None:
    """A table in a terminal that is wide enough for it, else aligned text; then the warnings."""
    platforms = [platform for result in results for platform in result.platforms]
    kinds = [k for k in _KINDS if k not in _RARE or any(p.size_of(k) for p in platforms)]
    headings = ("image", "platform", "digest", *kinds, "total", "cached/run", "time")
    rows = list(_rows(results, kinds))
    if console.is_terminal:
        _print_table(console, headings, rows)
    else:
        for line in aligned((headings, *rows)):
            print(line, file=console.file)
    # What is true of several images is said once.
    for warning in dict.fromkeys(warning for result in results for warning in result.warnings):
        console.print(Text(visible_lines(f"warning: {warning}"), "yellow"), soft_wrap=True)


def _print_table(
    console: Console, headings: Sequence[str], rows: Sequence[tuple[str, ...]]
) -> None:
    """Print as many columns as fit; where the fewest are too wide, a line a value."""
    unlimited = console.options.update(max_width=_UNLIMITED)
    for dropped in _DROPPED:
        shown = [i for i, heading in enumerate(headings) if heading not in dropped]
        table = _table(headings, rows, shown)
        if Measurement.get(console, unlimited, table).maximum <= console.width:
            # Apart from the rows of the build above it.
            console.print()
            console.print(table)
            return
    for row in rows:
        values = dict(zip(headings, row, strict=True))
        text = "\n  ".join(filter(None, (values[heading] for heading in _NEEDED)))
        console.print(Text(text), overflow="fold")


def _table(headings: Sequence[str], rows: Sequence[tuple[str, ...]], shown: Sequence[int]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        show_edge=False,
        header_style="bold",
    )
    for index in shown:
        justify: Literal["left", "right"] = "left" if index < _LEFT else "right"
        table.add_column(headings[index], justify=justify, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(row[index]) for index in shown))
    return table


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns set with spaces; the first three are words, the others numbers."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index < _LEFT else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def short(digest: str) -> str:
    """``sha256:`` and twelve digits."""
    algorithm, colon, value = digest.partition(":")
    return f"{algorithm}{colon}{value[:12]}"


def _rows(results: Iterable[ImageResult], kinds: Sequence[LayerKind]) -> Iterable[tuple[str, ...]]:
    for result in results:
        steps = "up to date" if result.up_to_date else f"{result.cached}/{result.executed}"
        for index, platform in enumerate(result.platforms):
            first = index == 0
            sizes = (platform.size_of(kind) for kind in kinds)
            yield (
                result.name if first else "",
                platform.platform,
                short(platform.digest),
                *(figures.size(size) if size else "-" for size in sizes),
                figures.size(platform.size),
                steps if first else "",
                ("-" if result.up_to_date else figures.duration(result.seconds)) if first else "",
            )
