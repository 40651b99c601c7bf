"""Downloads and uploads outside of BuildKit, as bars in a terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from nox_buildkit.engine.events.vertex import Amount
from nox_buildkit.printable import visible, visible_lines
from nox_buildkit.report import words
from nox_buildkit.report.bar import bar
from nox_buildkit.report.block import Block

_REDRAW = 0.1
_BAR = 24
_GAP = "  "


@dataclass(slots=True)
class _Part:
    total: int
    done: int = 0
    began: float = field(default_factory=time.monotonic)

    def amount(self, now: float) -> Amount:
        seconds = now - self.began
        return Amount(self.done, self.total, self.done / seconds if seconds > 0 else 0.0)


class TransferBars:
    """Progress as bars that are redrawn below the sentences; threads may tell of theirs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._fancy = console.encoding.startswith("utf")
        self._block = Block(console)
        self._parts: dict[str, _Part] = {}
        self._drawn = 0.0
        self._lock = threading.Lock()

    def message(self, text: str) -> None:
        """Print ``text`` above the bars."""
        with self._lock:
            self._block.above(lambda: self._console.print(visible_lines(text), soft_wrap=True))
            self._draw()

    def transfer(self, name: str, done: int, total: int) -> None:
        """Show the bar of ``name``, as long as there is something to wait for."""
        with self._lock:
            if done >= total:
                self._parts.pop(name, None)
            else:
                part = self._parts.setdefault(name, _Part(total))
                part.done, part.total = done, total
            if time.monotonic() - self._drawn >= _REDRAW:
                self._draw()

    def close(self) -> None:
        """Leave nothing behind, and give the cursor back."""
        with self._lock:
            self._parts.clear()
            self._draw()
            self._block.end()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        if self._parts or self._block.begun:
            room = max(2, self._console.height - 2)
            self._block.draw(list(self._lines())[:room])

    def _lines(self) -> Iterator[Text]:
        now, width = time.monotonic(), self._console.width
        names = max((cell_len(visible(name)) for name in self._parts), default=0)
        for name, part in self._parts.items():
            done = part.done / part.total if part.total else 0.0
            line = Text(visible(name).ljust(names)).append(_GAP)
            line.append(bar(done, _BAR, "cyan", fancy=self._fancy))
            line.append(_GAP).append(words.amount(part.amount(now)), "dim")
            if cell_len(line.plain) < width:
                yield line
            else:
                # Without the bar, and what does not fit on one line on several.
                text = Text(f"{visible(name)}: {words.amount(part.amount(now))}")
                yield from text.divide(range(width - 1, cell_len(text.plain), width - 1))
