"""Sessions of this project: those it gives to others, and those it is developed with."""

from __future__ import annotations

import nox

from nox_buildkit import register

register()


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Run all tests, on a real BuildKit and a real registry."""
    session.run("python", "-m", "pytest", *session.posargs)
