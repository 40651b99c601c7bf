"""The sessions as nox sees them. The only module that imports nox."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import nox

from nox_buildkit.arguments.parser import parser_for, session_names
from nox_buildkit.errors import NoxBuildkitError
from nox_buildkit.printable import visible
from nox_buildkit.run import interruptible


def register(buildspec: str | os.PathLike[str] = "buildspec.yaml", prefix: str = "") -> None:
    """Add the sessions to the noxfile that calls this.

    ``buildspec``: path of the spec, relative to the folder nox runs in (the noxfile's).
    ``prefix`` goes before every session's name: ``image_`` makes ``image_build``. Reads no file and
    imports nothing that a session needs. Raises SystemExit if a session of that name exists.
    """
    taken = nox.registry.get()
    for session in session_names():
        name = f"{prefix}{session}"
        if name in taken:
            # nox prints any other exception of a noxfile with its traceback.
            raise SystemExit(
                f"there is a session '{name}' already; register(prefix='image_') avoids it"
            )
        nox.session(name=name, venv_backend="none", default=False)(
            _session_function(session, name, Path(buildspec))
        )


def _session_function(session: str, name: str, buildspec: Path) -> Callable[[nox.Session], None]:
    def run(nox_session: nox.Session) -> None:
        with interruptible():
            checked(nox_session)

    def checked(nox_session: nox.Session) -> None:
        try:
            arguments = parser_for(session, name).parse_intermixed_args(nox_session.posargs)
            if arguments.help:
                print(parser_for(session, name).format_help(), end="")
                return
            command = importlib.import_module(f"nox_buildkit.commands.{session}")
            command.run(buildspec, arguments)
            # What is written at the very end fails where nobody can tell of it.
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever read our output has seen enough; nothing more can be written to it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            if os.environ.get("NOX_BUILDKIT_DEBUG") == "1":
                raise
            where = f"{error.filename}: " if error.filename else ""
            nox_session.error(visible(f"{where}{error.strerror or error}"))
        except NoxBuildkitError as error:
            if os.environ.get("NOX_BUILDKIT_DEBUG") == "1":
                raise
            sys.stdout.flush()
            # Not on the way of a run that goes well.
            importlib.import_module("nox_buildkit.report.ci").annotate(error)
            nox_session.error(str(error))

    run.__name__ = name
    run.__doc__ = parser_for(session, name).format_help().partition("\n\n")[2]
    return run
