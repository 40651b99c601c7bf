"""Output: the one place that knows of streams, colour and terminals."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Literal, Protocol, TextIO

from rich.console import Console

from nox_buildkit.environment import in_ci
from nox_buildkit.printable import visible_lines
from nox_buildkit.progress import Progress
from nox_buildkit.report.transfer_lines import TransferLines

if TYPE_CHECKING:
    from nox_buildkit.engine.bake import Update

#: ``brief``: the steps that take a while, as lines.
ProgressStyle = Literal["auto", "rich", "plain", "json", "brief"]


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

    def event(self, update: Update) -> None:
        if update.status is not None:
            print(update.line, file=self._objects, flush=True)

    def message(self, text: str) -> None:
        say(text, self._human)

    def close(self) -> None:
        self._objects.flush()


def say(text: str, stream: IO[str] | None = None) -> None:
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
    # Only a build has something to look on.
    from nox_buildkit.report.live import LiveView  # noqa: PLC0415
    from nox_buildkit.report.plain import Plain  # noqa: PLC0415

    human = stream or sys.stderr
    if style == "json":
        return RawJson(sys.stdout, human)
    if style == "rich" or (style == "auto" and interactive(human, env) and not verbose):
        return LiveView(make_console(human, env, terminal=True))
    return Plain(human, verbose=verbose, brief=style == "brief")


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
    return Console(
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
    """Show what is being fetched or sent: a bar in a terminal, else a line now and then."""
    human = stream or sys.stderr
    if not interactive(human, env):
        yield TransferLines(human)
        return
    from nox_buildkit.report.transfers import TransferBars  # noqa: PLC0415 - in a terminal

    bars = TransferBars(make_console(human, env))
    try:
        yield bars
    finally:
        bars.close()


def print_lines(reporter: Reporter, title: str, lines: Sequence[str]) -> None:
    """Show the end of a log, set apart from what the tool says itself."""
    if lines:
        reporter.message("\n".join((title, *(f"  | {line}" for line in lines))))
