"""Sessions of this project: those it gives to others, and those it is developed with."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import nox

from nox_buildkit import register

nox.options.sessions = ["lint", "tests"]

register()


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Run all tests, on a real BuildKit and a real registry; arguments go to pytest.

    ``-m "not engine"`` leaves the fast ones, which run on more workers.
    """
    fast = "not engine"
    # Each has an engine of its own, since tests give images the same names.
    engines = ("--numprocesses=2", "--dist=loadfile")
    workers = (
        f"--numprocesses={max(4, os.cpu_count() or 1)}",
        "--dist=worksteal",
        # Each worker would import all of them, to leave them out.
        "--ignore=tests/engine",
    )
    if session.posargs:
        options = workers if fast in session.posargs else ()
        session.run("python", "-m", "pytest", *options, *session.posargs)
        return
    session.run("python", "-m", "pytest", "-m", fast, *workers)
    real = "engine and not campaign"
    beside = f"{real} and not alone"
    session.run("python", "-m", "pytest", "-m", beside, *engines, "--durations=40")
    session.run("python", "-m", "pytest", "-m", f"{real} and alone")


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
def crossing(session: nox.Session) -> None:
    """Cross-compile what is downloaded most, and start it; arguments go to pytest."""
    path = "tests/engine/cli/test_crossing.py"
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
def docs(session: nox.Session) -> None:
    """Build the site into build/docs, with every warning an error, and check its links."""
    options = ("-n", "-W", "--keep-going", "-b", "html", *session.posargs)
    session.run("python", "-m", "sphinx", *options, "docs", "build/docs")
    session.run("python", "-m", "pytest", "--quiet", "tests/unit/test_site.py")


def unpublishable(env: Mapping[str, str]) -> str:
    """Return why a run of GitHub Actions must not publish; a run of anything else may build."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    here = f"{env.get('GITHUB_SERVER_URL')}/{env.get('GITHUB_REPOSITORY')}"
    if env.get("GITHUB_REF_TYPE") != "tag":
        return ""
    if here != project["urls"]["Repository"]:
        return f"this is {here}: say so in project.urls of pyproject.toml"
    if env.get("GITHUB_REF_NAME") != f"v{project['version']}":
        return f"the version is {project['version']}: tag it as v{project['version']}"
    changes = Path("CHANGELOG.md").read_text(encoding="utf-8")
    if f"## [{project['version']}] - 2" not in changes:
        return f"CHANGELOG.md has no date for {project['version']}"
    return ""


@nox.session(venv_backend="none")
def package(session: nox.Session) -> None:
    """Build the wheel and the sdist into build/package, and check, install and use them."""
    if wrong := unpublishable(os.environ):
        session.error(wrong)
    session.run("uv", "build", "--clear", "--out-dir", "build/package", silent=True)
    Path("build/package/.gitignore").unlink(missing_ok=True)
    where = {"NOX_BUILDKIT_DISTRIBUTIONS": str(Path("build/package").absolute())}
    session.run("python", "-m", "pytest", "--quiet", "tests/package", env=where)


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
