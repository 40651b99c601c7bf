"""Progress in a terminal: a row an image and platform, redrawn in place."""

from __future__ import annotations

import time

from rich.console import Console
from rich.spinner import Spinner
from rich.text import Text

from nox_buildkit.engine.bake import Update
from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.engine.events.rows import Row
from nox_buildkit.printable import visible_lines
from nox_buildkit.report import figures
from nox_buildkit.report.block import Block
from nox_buildkit.report.rows import Lines, layout_of

_REDRAW = 0.125


class LiveView:
    """Reporter for a terminal. Single-threaded: it redraws when it is told of something."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._fancy = console.encoding.startswith("utf")
        self._spinner = Spinner("dots" if self._fancy else "line")
        self._block = Block(console)
        self._drawn = 0.0
        self._last: tuple[BuildProgress, float] | None = None

    def event(self, update: Update) -> None:
        self._last = (update.progress, update.now)
        if not self._block.begun or update.now - self._drawn >= _REDRAW:
            self._drawn = update.now
            self._draw(self._turning())

    def message(self, text: str) -> None:
        self._block.above(lambda: self._console.print(Text(visible_lines(text)), soft_wrap=True))
        if self._block.begun:
            self._draw(self._turning())

    def close(self) -> None:
        """Leave the last state standing and give the cursor back; may be called twice."""
        if self._block.begun:
            self._draw("")
            self._block.end()

    def _turning(self) -> str:
        return str(self._spinner.render(time.monotonic()))

    def _draw(self, mark: str) -> None:
        if self._last:
            self._block.draw(self._lines(*self._last, mark))

    def _lines(self, progress: BuildProgress, now: float, mark: str) -> list[Text]:
        rows = [row for row in progress.rows() if row.vertices]
        layout = layout_of(rows, now, self._console.width, mark, fancy=self._fancy)
        found = [layout.lines(progress, row, now) for row in rows]
        several = len(rows) > 1 and any(row.count.total for row in rows)
        total = [_total(rows, now)] if mark and several and not layout.stacked else []
        # The cursor is below, and the terminal may have one line less than it says.
        room = max(3, self._console.height - 2)
        whole = [line for one in found for line in (*one.row, *(one.below if mark else ()))]
        if len(whole) + len(total) <= room:
            return whole + total
        return _fitting(rows, found, room)


def _fitting(rows: list[Row], found: list[Lines], room: int) -> list[Text]:
    """Return what fits in ``room`` lines: first without what can be done without."""
    if sum(len(one.row) for one in found) > room:
        shown = [i for i, row in enumerate(rows) if row.running or row.failed]
        found = [found[i] for i in shown] or found
    lines, count = list[Text](), 0
    for one in found:
        if len(lines) + len(one.row) > room - 1 and not (
            count == len(rows) - 1 and len(lines) + len(one.row) <= room
        ):
            break
        lines += one.row
        count += 1
    if count < len(rows):
        lines.append(Text(f"  and {len(rows) - count} more", "dim"))
    return lines


def _total(rows: list[Row], now: float) -> Text:
    """Return a line about all rows."""
    over = sum(row.count.cached + row.count.executed for row in rows)
    cached, total = sum(row.count.cached for row in rows), sum(row.count.total for row in rows)
    seconds = figures.duration(max(row.seconds(now) for row in rows))
    of_them = f", {cached} cached" if cached else ""
    return Text(f"  {over} of {total} steps{of_them}, {seconds}", "dim")
