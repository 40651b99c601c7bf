"""A BuildKit as the rest of the program sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nox_buildkit.engine.client import Docker

if TYPE_CHECKING:
    from python_on_whales import DockerClient


@dataclass(frozen=True, slots=True)
class Needs:
    """The requirements of a build on an engine.

    ``platforms``: OCI platforms (``linux/arm64``) of all images; ``emulated``: those on which a
    step runs; ``load``: the result goes into the engine's image store.
    """

    platforms: frozenset[str]
    emulated: frozenset[str] = frozenset()
    load: bool = False


@dataclass(frozen=True, slots=True)
class PlannedEngine:
    """The BuildKit that a build is going to use, as far as that can be told without starting it.

    ``command``: the docker client's; ``native``: platforms of the nodes' own processors.
    """

    command: tuple[str, ...]
    builder: str
    native: tuple[str, ...]
    network: str | None = None
    nodes: int = 1

    @property
    def buildx(self) -> tuple[str, ...]:
        """The command of buildx, as people type it."""
        return (*self.command, "buildx")


@dataclass(frozen=True, slots=True)
class Engine:
    """A BuildKit that was found or started, checked against the needs of a plan.

    ``builder``: name for ``buildx --builder``; ``native``: platforms of the nodes' own processors;
    ``network``: network of RUN steps (``host`` where the engine has no bridge), else None;
    ``nodes``: number of machines.
    """

    docker: Docker
    builder: str
    driver: str
    native: tuple[str, ...]
    network: str | None = None
    private: bool = False
    nodes: int = 1
    platforms: frozenset[str] = field(default_factory=frozenset)

    @property
    def command(self) -> tuple[str, ...]:
        """The docker client's command, with its configuration and host."""
        return self.docker.command

    @property
    def buildx(self) -> tuple[str, ...]:
        """The command of buildx, for ``docker.environment``."""
        return tuple(self.docker.words("buildx"))

    @property
    def client(self) -> DockerClient:
        """The docker client, which python-on-whales speaks to."""
        return self.docker.client
