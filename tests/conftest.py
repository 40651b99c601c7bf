"""Options of the whole test run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.support.engine_life import EngineLife

# Thousands of sessions are started: each would compile every module that it imports again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# readline, which pytest imports, sets them for the processes that a run starts, such as workers.
for size in ("COLUMNS", "LINES"):
    os.environ.pop(size, None)


def pytest_configure(config: pytest.Config) -> None:
    """Take Ctrl-C seriously: what a shell starts in the background ignores it, children too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(EngineLife())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files anew, for review"
    )


@pytest.fixture
def on_a_terminal() -> Iterator[None]:
    """Heed SIGHUP, which whoever runs the tests under nohup ignores."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
