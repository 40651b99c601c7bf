"""A program that has the terminal: what it writes is seen, and what is typed goes to it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from types import FrameType

from nox_buildkit.engine.client import client_environment

#: Seconds that a container gets to end after Ctrl-C; docker's own number.
_PATIENCE = 10


def attach(command: Sequence[str]) -> int | None:
    """Run a docker client to its end; return its status, or None if somebody interrupted it.

    Ctrl-C reaches the client by itself, and it passes on to the container what it gets; SIGTERM has
    to be sent on to it.
    """
    process = subprocess.Popen(command, env=client_environment())
    ended = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal ended
        ended = True
        process.terminate()

    before = signal.signal(signal.SIGTERM, end)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        ended, status = True, _end(process)
    finally:
        signal.signal(signal.SIGTERM, before)
    return None if ended else status


def _end(process: subprocess.Popen[bytes]) -> int:
    """Wait until it has ended; whoever presses Ctrl-C again waits no longer."""
    try:
        return process.wait(timeout=_PATIENCE)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.terminate()
        return process.wait()
