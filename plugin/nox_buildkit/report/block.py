"""Lines at the end of a terminal that are drawn again in place, whatever its size becomes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_ERASE_BELOW, _ERASE_RIGHT = "\x1b[J", "\x1b[K"
_CUT, _WRAP = "\x1b[?7l", "\x1b[?7h"

#: Terminals that cut lines when they get narrower; others wrap them.
_CUTTING = ("linux", "xterm", "rxvt", "screen")


class Block:
    """Lines that stand below everything else; ``begin`` and ``end`` may be called twice."""

    def __init__(self, console: Console, env: Mapping[str, str] = os.environ) -> None:
        self._console = console
        self._wraps = _wraps(env)
        self._lines: list[int] = []
        self._width = 0
        self._begun = False

    @property
    def begun(self) -> bool:
        """Tell whether the lines are being drawn, and the cursor is hidden."""
        return self._begun

    def draw(self, lines: Sequence[Text]) -> None:
        """Put ``lines``, none of which is wider than the terminal, in place of those of before."""
        with self._console.capture() as captured:
            for line in lines:
                self._console.print(line, no_wrap=True, overflow="ignore", crop=False)
        rows = captured.get().replace("\n", f"{_ERASE_RIGHT}\n")
        if not self._wraps:
            # Drawn for a width that is no more: as many lines as it would have been.
            rows = f"{_CUT}{rows}{_WRAP}"
        self._write(f"{'' if self._begun else _HIDE}{self._to_top()}{rows}{_ERASE_BELOW}")
        self._begun = True
        self._lines = [cell_len(line.plain) for line in lines]
        self._width = self._console.width

    def above(self, show: Callable[[], None]) -> None:
        """Let ``show`` print where the lines are; they are to be drawn again."""
        if self._begun:
            self._write(f"{self._to_top()}{_ERASE_BELOW}")
            self._lines = []
        show()

    def end(self) -> None:
        """Leave the lines standing, and give the cursor back."""
        if self._begun:
            self._write(_SHOW)
        self._begun = False
        self._lines = []

    def _to_top(self) -> str:
        """Return what moves the cursor to the first of the lines that were drawn."""
        width = self._console.width
        narrower = self._wraps and width < self._width
        count = sum(max(1, -(-one // width)) if narrower else 1 for one in self._lines)
        up = min(count, self._console.height - 1)
        return f"\r\x1b[{up}A{_ERASE_BELOW if width != self._width else ''}" if up else "\r"

    def _write(self, text: str) -> None:
        # As it is: rich would count the control sequences as text.
        self._console.file.write(text)
        self._console.file.flush()


def _wraps(env: Mapping[str, str]) -> bool:
    """Tell whether the terminal wraps its lines anew when its width changes."""
    term = env.get("TERM", "")
    if term.startswith("xterm"):
        # Most terminals say that they are one, and the real one says its version as well.
        return "XTERM_VERSION" not in env
    return "TMUX" in env or not term.startswith(_CUTTING)
