"""The configuration of the process that a container runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Healthcheck:
    """Docker's health check (its extension of the image configuration); times as ``1m30s``."""

    test: tuple[str, ...]
    interval: str | None
    timeout: str | None
    start_period: str | None
    start_interval: str | None
    retries: int | None


@dataclass(frozen=True, slots=True)
class Start:
    """The program that a container starts, stated or inherited; None: the base's is not known."""

    entrypoint: tuple[str, ...] | None
    command: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """Process configuration (OCI image specification, config.md)."""

    workdir: str
    user: str
    env: tuple[tuple[str, str], ...]
    entrypoint: tuple[str, ...] | None
    command: tuple[str, ...] | None
    expose: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    volumes: tuple[str, ...] = ()
    stop_signal: str | None = None
    healthcheck: Healthcheck | None = None
