"""Remembers what a reporter was told of, for the timeline of the build."""

from __future__ import annotations

from dataclasses import dataclass, field

from nox_buildkit.engine.bake import Update
from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.engine.events.runs import Runs
from nox_buildkit.report.console import Reporter

#: Step of the tool in which BuildKit works: BuildKit's steps stand for it.
BAKE = "BuildKit builds"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A bake: its vertices and the times at which they ran."""

    progress: BuildProgress
    runs: Runs = field(default_factory=Runs)


@dataclass(slots=True)
class Recorder:
    """Reporter that keeps the times of what it passes on; a build may bake more than once."""

    reporter: Reporter
    bakes: list[Recorded] = field(default_factory=list)

    def event(self, update: Update) -> None:
        if not self.bakes or self.bakes[-1].progress is not update.progress:
            self.bakes.append(Recorded(update.progress))
        if update.status is not None:
            self.bakes[-1].runs.feed(update.status, update.now)
        self.reporter.event(update)

    def message(self, text: str) -> None:
        self.reporter.message(text)

    def close(self) -> None:
        self.reporter.close()
