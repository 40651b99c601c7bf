"""Recorded ``--progress rawjson`` streams of real builds, played to the code under test.

Recorded with BuildKit in dockerd 28.5 and buildx 0.29; addresses in them are changed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nox_buildkit.engine.bake import Update, read_line
from nox_buildkit.engine.events.progress import BuildProgress

STREAMS = Path(__file__).parent / "streams"
BOTH = ("linux/amd64", "linux/arm64")


@dataclass(frozen=True)
class Recording:
    """A stream and the bake targets it was recorded with."""

    name: str
    images: dict[str, tuple[str, ...]]

    def updates(self, progress: BuildProgress) -> Iterator[Update]:
        content = (STREAMS / f"{self.name}.jsonl").read_text(encoding="utf-8", errors="replace")
        clock = itertools.count()
        for line in content.splitlines():
            yield read_line(progress, line, next(clock) / 10)

    def play(self) -> tuple[BuildProgress, list[Update]]:
        progress = BuildProgress(self.images)
        return progress, list(self.updates(progress))


@pytest.fixture
def recording() -> Callable[..., Recording]:
    def make(name: str, *images: str, platforms: tuple[str, ...] = BOTH) -> Recording:
        return Recording(name, dict.fromkeys(images or ("hello",), platforms))

    return make
