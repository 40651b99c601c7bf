"""The programs of apt, which verify every index and package (apt-secure(8))."""

from __future__ import annotations

import os

from nox_buildkit.errors import Code, EngineError
from nox_buildkit.run import run

#: For an index of a suite, on a slow network.
_SECONDS = 1800


def apt_error(stderr: bytes) -> EngineError:
    """Make one problem of what apt said."""
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines()]
    causes = [line[2:].strip() for line in lines if line.startswith("E:")] or lines[-1:]
    return EngineError(
        Code.DEBIAN_ARCHIVE(
            "apt: " + "; ".join(dict.fromkeys(causes)),
            "check that this host's `apt-get update` works",
        )
    )


def apt(*arguments: str, program: str = "apt-get") -> str:
    """Return what a program of apt prints. Raises EngineError."""
    done = run([program, *arguments], env=apt_environment(), seconds=_SECONDS)
    if done.returncode:
        raise apt_error(done.stderr)
    return done.stdout.decode()


def apt_environment() -> dict[str, str]:
    """Return the environment of apt, which is to speak English."""
    return {**os.environ, "LC_ALL": "C.UTF-8"}
