"""The sessions as nox sees them. The only module that imports nox."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import nox

from nox_buildkit.arguments.parser import parser_for, session_names
from nox_buildkit.perform import perform


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
    call = f"nox -s {name} --"

    def run(nox_session: nox.Session) -> None:
        if failure := perform(session, nox_session.posargs, buildspec, call):
            nox_session.error(failure.message)

    run.__name__ = name
    run.__doc__ = parser_for(session, call).format_help().partition("\n\n")[2]
    return run
