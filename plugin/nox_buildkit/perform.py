"""One session, from its command line to its end: what nox and ``python -m nox_buildkit`` share."""

from __future__ import annotations

import importlib
import itertools
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.arguments.parser import parser_for
from nox_buildkit.errors import NoxBuildkitError
from nox_buildkit.interruption import interruptible
from nox_buildkit.printable import visible
from nox_buildkit.streams import lasting_streams

#: Files are locked and folders are removed by calls that Windows has not.
_NO_WINDOWS = "nox-buildkit runs on Linux and macOS; on Windows, run nox in WSL 2"

#: Of the sessions of this process.
_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class Failure:
    """A session that failed: a line for each cause, and the exit status of the first one."""

    message: str
    exit_status: int = 1


def perform(session: str, words: Sequence[str], buildspec: Path, call: str) -> Failure | None:
    """Run ``session`` with the arguments ``words``; ``call``: how the user calls it.

    Problems at a line of a file are pictured on standard error. With NOX_BUILDKIT_DEBUG=1, whatever
    is raised is let through.
    """
    return attempt(lambda: _run(session, words, buildspec, call))


def attempt(work: Callable[[], None]) -> Failure | None:
    """Do ``work``, as a session is run."""
    # nox shows what any library logs, the queries of addresses included, which may be secret.
    for library in ("urllib3", "docker"):
        logging.getLogger(library).setLevel(logging.WARNING)
    if sys.platform == "win32":
        # Not when sessions are registered: what else is in the noxfile may run there.
        return Failure(_NO_WINDOWS)
    with lasting_streams(), interruptible():
        try:
            work()
            # What is written at the very end fails where nobody can tell of it.
            sys.stdout.flush()
        except OSError as error:
            if os.environ.get("NOX_BUILDKIT_DEBUG") == "1":
                raise
            where = f"{error.filename}: " if error.filename else ""
            return Failure(visible(f"{where}{error.strerror or error}"))
        except NoxBuildkitError as error:
            if os.environ.get("NOX_BUILDKIT_DEBUG") == "1":
                raise
            return _failure(error)
    return None


def _run(session: str, words: Sequence[str], buildspec: Path, call: str) -> None:
    first = next(_NUMBERS) == 0
    parser = parser_for(session, call)
    arguments = parser.parse_intermixed_args(words)
    if arguments.help:
        print(parser.format_help(), end="")
        return

    def command() -> bool:
        # Imported late: a run that finds nothing to do may not need it.
        module = importlib.import_module(f"nox_buildkit.commands.{session}")
        return bool(module.run(buildspec, arguments))

    if session == "build":
        # Not where there are no locks on files: on Windows.
        from nox_buildkit import up_to_date  # noqa: PLC0415

        up_to_date.build(words, buildspec, command, first=first)
    else:
        command()


def _failure(error: NoxBuildkitError) -> Failure:
    sys.stdout.flush()
    # Not on the way of a run that goes well.
    importlib.import_module("nox_buildkit.report.ci").annotate(error)
    report = importlib.import_module("nox_buildkit.report.diagnostics")
    report.show(error)
    return Failure(report.with_codes(error), error.problems[0].code.exit_status)
