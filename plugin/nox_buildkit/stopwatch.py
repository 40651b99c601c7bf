"""The times that the steps of a run took, for whoever shows afterwards where they went."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Measured:
    """A step that ended, by the monotonic clock."""

    name: str
    begin: float
    end: float


@dataclass(slots=True)
class Stopwatch:
    """Measures the steps of one run; ``began``: by the monotonic clock, ``began_at``: Unix time."""

    began: float = field(default_factory=time.monotonic)
    began_at: float = field(default_factory=time.time)
    steps: list[Measured] = field(default_factory=list)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure the block, whichever way it is left."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.steps.append(Measured(name, begin, time.monotonic()))
