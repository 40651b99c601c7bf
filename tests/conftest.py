"""Options of the whole test run."""

from __future__ import annotations

import os
import signal

import pytest

from tests.support.engine_life import EngineLife
from tests.support.own_cache import FIRST, use_own_cache

# Thousands of sessions are started: each would compile every module that it imports again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_configure(config: pytest.Config) -> None:
    """Take Ctrl-C seriously: what a shell starts in the background ignores it, children too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    own = config.getoption("own_engines")
    if own and worker not in ("", FIRST):
        use_own_cache(worker)
    if own or not worker:
        config.pluginmanager.register(EngineLife())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files anew, for review"
    )
    parser.addoption(
        "--own-engines",
        action="store_true",
        help="give each worker of pytest-xdist an engine and a cache of its own",
    )
