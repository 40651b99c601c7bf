"""The docker client: its command, and python-on-whales where more is asked of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

_PATHS = frozenset(
    ("DOCKER_CONFIG", "DOCKER_CERT_PATH", "BUILDX_CONFIG", "SSL_CERT_FILE", "SSL_CERT_DIR")
)
#: They are about the daemon that DOCKER_HOST names.
TLS = ("DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


def client_environment() -> dict[str, str]:
    """The variables that the docker client and its plugins get.

    Less those that are not for them, rather than those that are: credential helpers, ssh and the
    clients of clouds have variables of their own.
    """
    found = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_PASSED)}
    return with_absolute_paths(found)


def with_absolute_paths(variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables for programs that run in another folder."""
    return {k: str(Path(v).absolute()) if k in _PATHS and v else v for k, v in variables.items()}


@dataclass(frozen=True, slots=True)
class Docker:
    """The client that runs the program ``docker``; ``config``, ``host``: its global options.

    ``plugin``: its buildx, where that is known. By itself it starts in a third of the time: the
    client asks all of its plugins who they are, and then starts it twice.
    """

    docker: str
    config: Path | None = None
    host: str | None = None
    plugin: str | None = None

    @property
    def command(self) -> tuple[str, ...]:
        """The program with its options."""
        config = ("--config", str(self.config)) if self.config else ()
        return (self.docker, *config, *(("--host", self.host) if self.host else ()))

    def words(self, *arguments: str | Path) -> list[str]:
        """Return the command line for ``arguments``, which begin with the name of a command."""
        first, *rest = map(str, arguments)
        if first == "buildx" and self.plugin:
            return [self.plugin, *rest]
        return [*self.command, first, *rest]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of it and of its plugins; these have no global options."""
        return self.applied_to(client_environment())

    def applied_to(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return ``variables`` with those that stand for the global options."""
        found = dict(variables)
        if self.config:
            found["DOCKER_CONFIG"] = str(self.config)
        if self.host:
            found["DOCKER_HOST"] = self.host
            for name in ("DOCKER_CONTEXT", *TLS):
                found.pop(name, None)
        return found

    @property
    def client(self) -> DockerClient:
        """The same client, which python-on-whales speaks to."""
        # Its models take half a second, and a build needs none of them.
        from python_on_whales import DockerClient  # noqa: PLC0415

        return DockerClient(
            client_call=[self.docker], client_type="docker", config=self.config, host=self.host
        )


def answer(
    client: Docker,
    arguments: Sequence[str | Path],
    what: str,
    *,
    seconds: float,
    given: bytes = b"",
) -> Done:
    """Let ``client`` ask ``what`` on a network; ``given``: its standard input.

    Says what is waited for when that takes a while. Raises EngineError after ``seconds``.
    """
    words, env = client.words(*arguments), client.environment
    return run(words, what=what, env=env, seconds=seconds, given=given, announced=True)
