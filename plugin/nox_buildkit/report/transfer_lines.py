"""Downloads and uploads outside of BuildKit, as lines in a log."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TextIO

from nox_buildkit.printable import visible_lines
from nox_buildkit.report import figures

_LINE_PERIOD = 10.0


@dataclass(slots=True)
class TransferLines:
    """Progress as a line now and then; threads may tell of theirs."""

    stream: TextIO
    told: dict[str, float] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def message(self, text: str) -> None:
        """Print ``text``."""
        with self.lock:
            self._say(text)

    def transfer(self, name: str, done: int, total: int) -> None:
        """Print a line about ``name``, unless there was one a moment ago."""
        now, complete = time.monotonic(), done >= total
        with self.lock:
            early = now - self.told.get(name, float("-inf")) < _LINE_PERIOD
            if name in self.over or (early and not complete):
                return
            self.told[name] = now
            if complete:
                self.over.add(name)
            self._say(f"{name}: {figures.size(done)} of {figures.size(total)}")

    def _say(self, text: str) -> None:
        print(visible_lines(text), file=self.stream, flush=True)
