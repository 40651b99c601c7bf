"""Sessions of this project: those it gives to others, and those it is developed with."""

from __future__ import annotations

import nox

from nox_buildkit import register

nox.options.sessions = ["lint", "tests"]

register()


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Run all tests, on a real BuildKit and a real registry; arguments go to pytest."""
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(venv_backend="none")
def fuzz(session: nox.Session) -> None:
    """Read changed files without an end: --seed N, --cases N, --seconds N, or one --case N."""
    session.run("python", "-m", "tests.fuzz.campaign", *session.posargs)


@nox.session(venv_backend="none")
def installed(session: nox.Session) -> None:
    """Compare base debian with a Debian in which 50 packages are really installed."""
    every = {"NOX_BUILDKIT_INSTALL_ALL": "1"}
    session.run("python", "-m", "pytest", "tests/engine/test_installed.py", env=every)


@nox.session(venv_backend="none")
def platforms(session: nox.Session) -> None:
    """Build and start images for every platform that is emulated; arguments go to pytest."""
    path = "tests/engine/cli/test_platforms.py"
    session.run("python", "-m", "pytest", "-m", "", path, *session.posargs)


@nox.session(venv_backend="none")
def faults(session: nox.Session) -> None:
    """Build under real faults, all that are known; arguments go to pytest."""
    session.run("python", "-m", "pytest", "-m", "", "tests/engine/cli/faults", *session.posargs)


@nox.session(venv_backend="none")
def examples(session: nox.Session) -> None:
    """Build every example, start it on both platforms, and ask it; arguments go to pytest."""
    session.run("python", "-m", "pytest", "examples", *session.posargs)


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Check style and types."""
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """Measure builds side by side with what people use today, into bench/results/."""
    # Ctrl-C has builds and containers to end.
    session.run(
        "python", "-m", "bench", *session.posargs, interrupt_timeout=60, terminate_timeout=60
    )
