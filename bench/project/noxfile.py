"""A user's noxfile, and a session that does nothing: what nox itself takes to start."""

from __future__ import annotations

import nox

from nox_buildkit import register

register()


@nox.session(venv_backend="none")
def nothing(session: nox.Session) -> None:
    """Do nothing."""
