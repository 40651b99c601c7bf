"""Shapes of what ``engine`` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nox_buildkit.engine.private.engine import State


@dataclass(frozen=True, slots=True)
class EngineDocument:
    """The private engine: ``version`` is that of its dockerd, sizes are bytes, times seconds.

    ``format`` is the version of this shape.
    """

    format: Literal[1]
    state: State
    folder: str
    socket: str
    version: str
    pid: int
    uptime: float
    data_bytes: int


@dataclass(frozen=True, slots=True)
class EnvironmentDocument:
    """Variables by which a shell's docker command uses the private engine."""

    format: Literal[1]
    environment: dict[str, str]
