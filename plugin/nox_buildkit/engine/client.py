"""The docker client: python-on-whales, loaded when there is something to ask it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from python_on_whales import DockerClient


def docker_client(
    docker: Path | str, *, config: Path | None = None, host: str | None = None
) -> DockerClient:
    """The client that runs the program ``docker``; ``config``, ``host``: as its global options."""
    # Half of the start-up is this import, and a build that finds nothing to do needs none of it.
    from python_on_whales import DockerClient  # noqa: PLC0415

    return DockerClient(client_call=[str(docker)], client_type="docker", config=config, host=host)
