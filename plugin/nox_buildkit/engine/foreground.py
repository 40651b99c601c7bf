"""A program that has the terminal: what it writes is seen, and what is typed goes to it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

from nox_buildkit.engine.client import client_environment

#: Seconds that a container gets to end after Ctrl-C; docker's own number.
_PATIENCE = 10


def attach(command: Sequence[str]) -> int | None:
    """Run a docker client to its end; return its status, or None if somebody interrupted it.

    Ctrl-C reaches the client, too, which passes it on to the container.
    """
    process = subprocess.Popen(command, env=client_environment())
    try:
        return process.wait()
    except KeyboardInterrupt:
        _end(process)
        return None
    finally:
        if process.poll() is None:
            process.terminate()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait until it has ended; whoever presses Ctrl-C again waits no longer."""
    deadline = time.monotonic() + _PATIENCE
    try:
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
    except KeyboardInterrupt:
        pass
