"""The engine that the user names: a builder, a daemon, a docker context."""

from __future__ import annotations

import os
from dataclasses import dataclass

from nox_buildkit.engine.private.paths import EnginePaths
from nox_buildkit.engine.stated_builder import StatedBuilder

#: How a user makes a builder.
CREATE = "docker buildx create --driver docker-container --use"


@dataclass(frozen=True, slots=True)
class Choice:
    """The user's choice: ``builder`` by name, or ``named`` a daemon in the environment.

    ``stated``: a description of the builder, where there is one.
    """

    builder: str | None
    named: str | None
    stated: StatedBuilder | None = None

    @property
    def explicit(self) -> str | None:
        """Its name in a message; None if the user has not chosen."""
        return f"builder {self.builder}" if self.builder else self.named

    @classmethod
    def of(cls, builder: str | StatedBuilder | None) -> Choice:
        names = ("DOCKER_HOST", "DOCKER_CONTEXT")
        named = next((f"{name}={os.environ[name]}" for name in names if os.environ.get(name)), None)
        if isinstance(builder, StatedBuilder):
            return cls(builder.name, named, builder)
        return cls(builder or os.environ.get("BUILDX_BUILDER") or None, named)

    @property
    def is_private(self) -> bool:
        """Tell whether it is the private engine, as in a shell set up by `nox -s engine -- env`."""
        host = os.environ.get("DOCKER_HOST")
        return self.builder in (None, "default") and host == EnginePaths.current().host
