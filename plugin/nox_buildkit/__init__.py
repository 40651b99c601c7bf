"""Nox sessions that turn a declarative buildspec.yaml into multi-platform Python images."""

from __future__ import annotations

import os


def register(buildspec: str | os.PathLike[str] = "buildspec.yaml", prefix: str = "") -> None:
    """Add the sessions build, push, lock, plan, render, matrix and engine to a noxfile.

    ``buildspec``: path of the spec, relative to the noxfile; ``prefix``: put before every session's
    name. Raises SystemExit if a session of that name exists.
    """
    from nox_buildkit.sessions import register as add  # noqa: PLC0415 - nothing happens on import

    add(buildspec, prefix)


__all__ = ["register"]
