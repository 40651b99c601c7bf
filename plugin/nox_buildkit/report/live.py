"""Progress in a terminal: a row an image and platform, redrawn in place."""

from __future__ import annotations

import time

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from nox_buildkit.engine.bake import Update
from nox_buildkit.engine.events.progress import BuildProgress, Row
from nox_buildkit.engine.events.vertex import Vertex, VertexKind
from nox_buildkit.printable import visible_lines
from nox_buildkit.report import words

_REDRAW = 0.125
_BAR = 18
# As wide as the usual words, so that the columns stay where they are.
_STEP = 26
# What a narrow terminal leaves for image and platform.
_NARROW = 18
# Below these many columns the bar, then the count of cached steps, gives way to the words.
_WIDE, _MEDIUM = 84, 56


class LiveView:
    """Reporter for a terminal. Single-threaded: it redraws when it is told of something."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._spinner = Spinner("dots" if console.encoding.startswith("utf") else "line")
        self._drawn = 0.0
        self._closing = False
        self._last: tuple[BuildProgress, float] | None = None
        self._live = Live(
            console=console,
            auto_refresh=False,
            get_renderable=self._table,
            vertical_overflow="ellipsis",
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def event(self, update: Update) -> None:
        self._last = (update.progress, update.now)
        if not self._live.is_started:
            self._live.start()
        if update.now - self._drawn >= _REDRAW:
            self._drawn = update.now
            self._live.refresh()

    def message(self, text: str) -> None:
        self._console.print(Text(visible_lines(text)), soft_wrap=True)

    def close(self) -> None:
        """Leave the last state standing and give the cursor back; may be called twice."""
        self._closing = True
        if self._live.is_started:
            self._live.refresh()
            self._live.stop()

    def _table(self) -> RenderableType:
        if self._last is None:
            return Text()
        progress, now = self._last
        rows = [row for row in progress.rows() if row.vertices]
        room = max(3, self._console.height - 2)
        hidden = 0
        if len(rows) > room:
            under_way = [row for row in rows if row.running or row.failed] or rows
            hidden = len(rows) - len(under_way[:room])
            rows = under_way[:room]
        grid = self._grid(rows, now)
        return Group(grid, Text(f"  and {hidden} more", style="dim")) if hidden else grid

    def _grid(self, rows: list[Row], now: float) -> Table:
        width = self._console.width
        wide, medium = width >= _WIDE, width >= _MEDIUM
        grid = Table.grid(padding=(0, 1), expand=False)
        grid.add_column(width=1)
        grid.add_column(no_wrap=True, overflow="ellipsis", max_width=None if medium else _NARROW)
        step = _STEP if medium else max(8, width - _NARROW - 12)
        grid.add_column(no_wrap=True, overflow="ellipsis", min_width=step, max_width=step)
        if wide:
            grid.add_column(width=_BAR)
        if medium:
            grid.add_column(no_wrap=True, justify="right")
        grid.add_column(no_wrap=True, justify="right", min_width=6)
        for row in rows:
            place = _place(row, medium)
            cells: list[RenderableType] = [self._mark(row), place, _doing(row)]
            if wide:
                cells.append(_bar(row))
            if medium:
                cells.append(_cached(row))
            grid.add_row(*cells, Text(words.duration(row.seconds(now)), style="dim"))
        return grid

    def _mark(self, row: Row) -> RenderableType:
        fancy = self._console.encoding.startswith("utf")
        if row.failed:
            return Text("✗" if fancy else "x", style="bold red")
        if row.running and self._closing:
            return Text("-", style="yellow")
        if row.running:
            return self._spinner.render(time.monotonic())
        return Text("✓" if fancy else "+", style="green") if _over(row) else Text(" ")


def _over(row: Row) -> bool:
    return row.count.total == row.count.cached + row.count.executed


def _place(row: Row, whole: bool) -> Text:
    platform = row.platform or "shared"
    shown = platform if whole else platform.removeprefix("linux/")
    return Text(row.image, style="bold").append(f" {shown}", style="not bold cyan")


def _doing(row: Row) -> Text:
    vertex = row.failed or _shown(row.running)
    if vertex is None:
        return Text("done" if _over(row) else "waiting", style="dim")
    text = Text(words.step(vertex), style="red" if row.failed else "")
    if vertex.transfer and vertex.transfer.current:
        part = vertex.transfer
        of = f" of {words.size(part.total)}" if part.total else ""
        text.append(f"  {words.size(part.current)}{of}", style="dim")
    return text


def _shown(running: tuple[Vertex, ...]) -> Vertex | None:
    """Of what runs at the same time, what the reader waits for."""
    order = (VertexKind.STEP, VertexKind.EXPORT, VertexKind.LINK)
    return min(
        running,
        key=lambda one: order.index(one.name.kind) if one.name.kind in order else len(order),
        default=None,
    )


def _bar(row: Row) -> ProgressBar:
    total = max(1, row.count.total)
    done = float(row.count.cached + row.count.executed)
    vertex = _shown(row.running)
    part = vertex.transfer if vertex and vertex.name.kind is VertexKind.STEP else None
    if part and part.total:
        done += min(1.0, part.current / part.total)
    style = "red" if row.failed else "green"
    return ProgressBar(total=total, completed=done, width=_BAR, complete_style=style)


def _cached(row: Row) -> Text:
    if not row.count.total:
        return Text()
    return Text(f"{row.count.cached}/{row.count.total} cached", style="dim")
