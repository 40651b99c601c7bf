"""What the services share."""

from __future__ import annotations

import platform


def machine() -> str:
    """The machine's architecture."""
    return platform.machine()
