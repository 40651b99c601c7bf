"""Options of the whole test run."""

from __future__ import annotations

import signal

import pytest


def pytest_configure() -> None:
    """Take Ctrl-C seriously: what a shell starts in the background ignores it, children too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files anew, for review"
    )
