"""The docker client: python-on-whales, loaded when there is something to ask it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nox_buildkit.run import Done, run

if TYPE_CHECKING:
    from python_on_whales import DockerClient

#: Variables of Python's own tools, which hold passwords of package indexes; and what would add to
#: an image: a build argument of buildx's own, and labels.
_NOT_PASSED = (
    "UV_", "PIP_", "PIPENV_", "POETRY_", "PDM_", "HATCH_", "FLIT_", "TWINE_", "KEYRING_", "NETRC",
    "SOURCE_DATE_EPOCH", "BUILDX_GIT_",
)  # fmt: skip


def client_environment() -> dict[str, str]:
    """The variables that the docker client and its plugins get.

    Less those that are not for them, rather than those that are: credential helpers, ssh and the
    clients of clouds have variables of their own.
    """
    return {k: v for k, v in os.environ.items() if not k.startswith(_NOT_PASSED)}


def docker_client(
    docker: Path | str, *, config: Path | None = None, host: str | None = None
) -> DockerClient:
    """The client that runs the program ``docker``; ``config``, ``host``: as its global options."""
    # Half of the start-up is this import, and a build that finds nothing to do needs none of it.
    from python_on_whales import DockerClient  # noqa: PLC0415

    return DockerClient(client_call=[str(docker)], client_type="docker", config=config, host=host)


def answer(command: Sequence[str | Path], what: str, *, seconds: float, given: bytes = b"") -> Done:
    """Run a docker client that asks ``what`` on a network; ``given``: its standard input.

    Says what is waited for when that takes a while. Raises EngineError after ``seconds``.
    """
    environment = client_environment()
    return run(command, what=what, env=environment, seconds=seconds, given=given, announced=True)
