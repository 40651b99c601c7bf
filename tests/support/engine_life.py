"""The life of the engine of a test run."""

from __future__ import annotations

import os
import signal
import time

import pytest

from nox_buildkit.engine.private import engine as private
from nox_buildkit.engine.private.daemons import daemon_of
from nox_buildkit.engine.private.paths import EnginePaths

#: So many tests that ran into a time limit mean that the engine hangs.
_MOST_TIMEOUTS = 3


class EngineLife:
    """A plugin of a run: it ends the engine, and a run whose engine hangs."""

    def __init__(self) -> None:
        self._was_running = private.status().state == "running"
        self._timeouts = 0
        self._session: pytest.Session | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Know what to end."""
        self._session = session

    def pytest_sessionfinish(self) -> None:
        """Leave the engine as it was found, running or not."""
        if not self._was_running:
            private.stop()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """End the run if the engine hangs: each further test would wait for its limit, too."""
        self._timeouts += report.failed and "TimeoutExpired" in report.longreprtext
        if self._timeouts == _MOST_TIMEOUTS and self._session:
            self._timeouts += 1
            print(f"the log of the engine ends with:\n{_stacks()}")
            # Failures are told at the end of a run, if it is not cut off.
            self._session.shouldstop = "the engine seems to hang"


def _stacks() -> str:
    paths = EnginePaths.current()
    if daemon := daemon_of(paths):
        # dockerd writes the stacks of its goroutines into its log.
        os.kill(daemon.pid, signal.SIGUSR1)
        time.sleep(2)
    return paths.log.read_text(errors="replace")[-20_000:] if paths.log.exists() else ""
