"""The times at which vertices ran, by the clock of whoever reads the events.

The engine stamps each event, and tells of several at once, a little later. So its times are the
better ones, once they are moved by the difference of the two clocks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

#: An event that came this much later than others is of a node with another clock, in seconds.
_LATE = 1.0


@dataclass(frozen=True, slots=True)
class _Run:
    """A run that ended, by the engine's clock; ``heard``: when we were told, by ours."""

    begin: float
    end: float
    heard: float


@dataclass(slots=True)
class Runs:
    """Every run of every vertex of one bake."""

    _offset: float = math.inf
    _runs: dict[str, dict[str, _Run]] = field(default_factory=dict)

    def feed(self, status: Mapping[str, Any], now: float) -> None:
        """Take one rawjson object, read at ``now``."""
        for item in status.get("vertexes") or ():
            started = item.get("started")
            begin, end = self._time(started, now), self._time(item.get("completed"), now)
            if begin is not None and end is not None:
                runs = self._runs.setdefault(str(item.get("digest")), {})
                runs.setdefault(started, _Run(begin, max(begin, end), now))

    def of(self, digest: str) -> tuple[tuple[float, float], ...]:
        """Return begin and end of each finished run of a vertex, the first one first."""
        return tuple(sorted(map(self._ours, self._runs.get(digest, {}).values())))

    def _time(self, text: object, now: float) -> float | None:
        try:
            told = datetime.fromisoformat(str(text)).timestamp()
        except (ValueError, OverflowError):
            return None
        # What was heard with the least delay tells the difference of the clocks best.
        self._offset = min(self._offset, now - told)
        return told

    def _ours(self, run: _Run) -> tuple[float, float]:
        late = run.heard - (run.end + self._offset)
        moved = self._offset + (late if late > _LATE else 0.0)
        return run.begin + moved, run.end + moved
