"""Output: the one place that knows of streams, colour and terminals."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TextIO

from rich import progress
from rich.console import Console

from nox_buildkit.engine.bake import Update
from nox_buildkit.environment import in_ci
from nox_buildkit.printable import visible, visible_lines
from nox_buildkit.progress import Progress
from nox_buildkit.report import words
from nox_buildkit.report.live import LiveView
from nox_buildkit.report.plain import Plain

ProgressStyle = Literal["auto", "rich", "plain", "json"]

_DOWNLOAD_PERIOD = 10.0


class Reporter(Protocol):
    """Looks on while something is built; ``close`` may be called twice."""

    def event(self, update: Update) -> None: ...

    def message(self, text: str) -> None: ...

    def close(self) -> None: ...


class RawJson:
    """Reporter that passes BuildKit's own objects on, one a line; words go to another stream."""

    def __init__(self, objects: TextIO, human: TextIO) -> None:
        self._objects = objects
        self._human = human
        self._closed = False

    def event(self, update: Update) -> None:
        if update.status is None or self._closed:
            return
        try:
            print(update.line, file=self._objects, flush=True)
        except BrokenPipeError:
            # A build goes on though nobody reads of it any more.
            self._closed = True

    def message(self, text: str) -> None:
        say(text, self._human)

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._objects.flush()


class _Console(Console):
    """rich's, which would end the process when nobody reads what it prints."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def say(text: str, stream: TextIO | None = None) -> None:
    """Print ``text``, of which the terminal obeys nothing, to people (standard error)."""
    print(visible_lines(text), file=stream or sys.stderr, flush=True)


def choose(
    style: ProgressStyle = "auto",
    stream: TextIO | None = None,
    *,
    verbose: bool = False,
    env: Mapping[str, str] = os.environ,
) -> Reporter:
    """The reporter for ``--progress``; ``stream``: where people read (standard error).

    ``auto`` is ``rich`` in a terminal that can move its cursor, outside of CI, else ``plain``.
    ``json`` writes to standard output, alone.
    """
    human = stream or sys.stderr
    if style == "json":
        return RawJson(sys.stdout, human)
    if style == "rich" or (style == "auto" and interactive(human, env) and not verbose):
        return LiveView(make_console(human, env, terminal=True))
    return Plain(human, verbose=verbose)


def interactive(stream: TextIO, env: Mapping[str, str] = os.environ) -> bool:
    """Tell whether lines on ``stream`` can be redrawn for a person."""
    return stream.isatty() and env.get("TERM", "") not in ("", "dumb") and not in_ci(env)


def make_console(
    stream: TextIO, env: Mapping[str, str] = os.environ, *, terminal: bool | None = None
) -> Console:
    """A rich console on ``stream``: coloured in a terminal, unless NO_COLOR or TERM=dumb says no.

    FORCE_COLOR colours what is no terminal; NO_COLOR wins over it (no-color.org).
    """
    forced = bool(env.get("FORCE_COLOR"))
    plain = bool(env.get("NO_COLOR")) or (env.get("TERM") == "dumb" and not forced)
    return _Console(
        file=stream,
        # What is no terminal has no margin: a log or a file keeps whole lines.
        width=None if terminal or stream.isatty() or env.get("COLUMNS") else 10_000,
        force_terminal=terminal or forced or None,
        no_color=plain,
        color_system=None if plain else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )


@contextlib.contextmanager
def downloads(
    stream: TextIO | None = None, env: Mapping[str, str] = os.environ
) -> Iterator[Progress]:
    """Show what is being fetched: a bar in a terminal, else a line now and then."""
    human = stream or sys.stderr
    if not interactive(human, env):
        yield DownloadLines(human)
        return
    bars = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(bar_width=24),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        console=make_console(human, env),
        transient=True,
    )
    with bars:
        yield DownloadBars(bars)


def print_lines(reporter: Reporter, title: str, lines: Sequence[str]) -> None:
    """Show the end of a log, set apart from what the tool says itself."""
    if lines:
        reporter.message("\n".join((title, *(f"  | {line}" for line in lines))))


@dataclass(slots=True)
class DownloadBars:
    """Progress as bars that are redrawn, below the sentences."""

    bars: progress.Progress
    tasks: dict[str, progress.TaskID] = field(default_factory=dict)

    def message(self, text: str) -> None:
        self.bars.console.print(visible_lines(text))

    def transfer(self, name: str, done: int, total: int) -> None:
        if name not in self.tasks:
            self.tasks[name] = self.bars.add_task(visible(name), total=total)
        self.bars.update(self.tasks[name], completed=done, total=total)


@dataclass(slots=True)
class DownloadLines:
    """Progress as a line now and then."""

    stream: TextIO
    told: dict[str, float] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)

    def message(self, text: str) -> None:
        say(text, self.stream)

    def transfer(self, name: str, done: int, total: int) -> None:
        now, complete = time.monotonic(), done >= total
        early = now - self.told.get(name, float("-inf")) < _DOWNLOAD_PERIOD
        if name in self.over or (early and not complete):
            return
        self.told[name] = now
        if complete:
            self.over.add(name)
        say(f"{name}: {words.size(done)} of {words.size(total)}", self.stream)
