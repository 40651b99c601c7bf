"""Find a BuildKit that can do what a build needs: the user's, else the private engine."""

from __future__ import annotations

import os
import platform
import shutil
from typing import TYPE_CHECKING

from nox_buildkit.engine import inspect as inspection
from nox_buildkit.engine.buildkit import Engine, Needs, PlannedEngine
from nox_buildkit.engine.choice import Choice
from nox_buildkit.engine.client import docker_client
from nox_buildkit.engine.docker_config import CREDENTIALS, borrow
from nox_buildkit.engine.inspect import Builder
from nox_buildkit.engine.private import emulation
from nox_buildkit.engine.private import engine as private
from nox_buildkit.engine.private.binaries import client_binaries
from nox_buildkit.engine.private.paths import EnginePaths
from nox_buildkit.errors import EngineError, Problem
from nox_buildkit.files import cache_dir
from nox_buildkit.oci.platform import Platform, host_platform, native_platforms
from nox_buildkit.progress import SILENT, Progress

if TYPE_CHECKING:
    from python_on_whales import DockerClient

CONTAINERD_STORE = "io.containerd.snapshotter.v1"
CREATE = "docker buildx create --driver docker-container --use"
ENABLE_STORE = (
    'set "features": {"containerd-snapshotter": true} in the daemon.json of its dockerd and '
    f"restart it, or run `{CREATE}`"
)


def find_engine(needs: Needs, builder: str | None = None, report: Progress = SILENT) -> Engine:
    """Return an engine for ``needs``: ``builder``, the current docker context, or the private one.

    What the user names (argument, BUILDX_BUILDER, DOCKER_HOST, DOCKER_CONTEXT) is used or refused,
    never replaced. Raises EngineError.
    """
    choice = Choice.of(builder)
    if choice.is_private:
        return _private(needs, report)
    if choice.explicit:
        try:
            return _users(_client(report), choice.builder, needs, report)
        except EngineError as error:
            raise EngineError(
                *(
                    Problem(f"{choice.explicit}: {problem.message}", problem.hint or _fix(choice))
                    for problem in error.problems
                )
            ) from error
    client = _installed(report)
    if client is None:
        return _private(needs, report)
    try:
        return _users(client, None, needs, report)
    except EngineError as unsuitable:
        return _instead(needs, unsuitable, report)


def planned_engine(builder: str | None = None) -> PlannedEngine:
    """Tell which engine a build would use, without starting one or asking a daemon for long.

    Raises EngineError if the user names a builder that cannot be used.
    """
    choice = Choice.of(builder)
    client = None if choice.is_private else _installed()
    if client is not None:
        try:
            found = inspection.builder(client, choice.builder)
            # A builder whose daemon does not answer is on this machine, as far as one can tell.
            native = found.native or (host_platform(),)
            return PlannedEngine(_command(client), found.name, native)
        except EngineError:
            if choice.explicit:
                raise
    paths = EnginePaths.current()
    options = ("--config", str(paths.docker_config), "--host", paths.host)
    return PlannedEngine(("docker", *options), "default", (host_platform(),), "host")


def _command(client: DockerClient) -> tuple[str, ...]:
    return tuple(map(str, client.client_config.docker_cmd))


def find_client(report: Progress = SILENT) -> DockerClient:
    """Return a docker client with buildx for calls that need no daemon (imagetools).

    Raises EngineError.
    """
    if EnginePaths.current().host == os.environ.get("DOCKER_HOST"):
        return private.start(report).client
    return _client(report)


def _fix(choice: Choice) -> str:
    if choice.builder:
        return f"`docker buildx ls` lists builders; `{CREATE} --name {choice.builder}` makes one"
    return "start that daemon, or unset the variable to use the private engine"


def _installed(report: Progress = SILENT) -> DockerClient | None:
    """Return the docker client on PATH, if it has a buildx that can do what a build needs."""
    path = shutil.which("docker")
    if path is None:
        return None
    client = docker_client(path)
    if inspection.has_buildx(client):
        return client
    report.message(
        f"not {path}: it has no buildx whose bake knows --allow; update its buildx to use it"
    )
    return None


def _client(report: Progress) -> DockerClient:
    """Return the user's docker client, else ours with the user's builders and contexts."""
    if (client := _installed(report)) is not None:
        return client
    binaries = client_binaries(report)
    names = (*CREDENTIALS, "buildx")
    config = borrow(cache_dir() / "client", binaries.buildx, names)
    return docker_client(binaries.docker, config=config)


def _users(client: DockerClient, name: str | None, needs: Needs, report: Progress) -> Engine:
    """Check the builder ``name`` (None: the current one) of ``client``. Raises EngineError."""
    found = inspection.builder(client, name)
    if not found.running:
        raise EngineError(found.cause)
    if found.driver == "docker":
        _require_store(client, found, needs)
    elif needs.load:
        _require_daemon(client)
    added = _require_platforms(client, found, needs, report)
    return Engine(
        client=client,
        builder=found.name,
        driver=found.driver,
        native=found.native,
        platforms=found.platforms | added,
    )


def _require_store(client: DockerClient, found: Builder, needs: Needs) -> None:
    """The driver `docker` writes an index or an OCI layout only with the containerd store."""
    status = inspection.daemon(client, _context(found)).driver_status or []
    if not any(row[-1] == CONTAINERD_STORE for row in status):
        what = "images of several platforms" if len(needs.platforms) > 1 else "OCI layouts"
        raise EngineError(
            Problem(
                f"its dockerd cannot make {what} without the containerd image store", ENABLE_STORE
            )
        )


def _require_daemon(client: DockerClient) -> None:
    try:
        inspection.daemon(client)
    except EngineError as error:
        raise EngineError(
            Problem(f"nothing to load the image into: {error}", "drop --load")
        ) from error


def _context(found: Builder) -> str | None:
    """The docker context behind a builder of the driver `docker`: they share their name."""
    return None if found.name == "default" else found.name


def _require_platforms(
    client: DockerClient, found: Builder, needs: Needs, report: Progress
) -> frozenset[str]:
    """Return the platforms whose emulation was set up for this build. Raises EngineError."""
    missing = frozenset(p for p in needs.emulated if not _listed(p, found.platforms))
    if not missing:
        return missing
    if not _is_here(client, found):
        names = ", ".join(sorted(missing))
        raise EngineError(
            Problem(
                f"emulation missing: its nodes run no steps of {names}",
                "install qemu-user-static where the node runs, or add a node of that architecture",
            )
        )
    emulation.ensure(missing, os.uname().machine, report)
    return missing


def _listed(wanted: str, platforms: frozenset[str]) -> bool:
    """Tell whether steps of ``wanted`` run, by whatever name the builder lists it."""
    return wanted in {str(Platform.parse(platform)) for platform in platforms}


def _is_here(client: DockerClient, found: Builder) -> bool:
    """Tell whether the builder's steps run under this host's kernel."""
    if found.driver not in ("docker", "docker-container"):
        return False
    try:
        info = inspection.daemon(client, _context(found) if found.driver == "docker" else None)
    except EngineError:
        return False
    return info.name == platform.node() and info.kernel_version == platform.release()


def _instead(needs: Needs, unsuitable: EngineError, report: Progress) -> Engine:
    """Use the private engine because the current builder is ``unsuitable``."""
    try:
        engine = _private(needs, report)
    except EngineError as error:
        raise EngineError(*unsuitable.problems, *error.problems) from error
    for problem in unsuitable.problems:
        report.message(f"not the current docker builder ({problem.message}): the private engine")
    return engine


def _private(needs: Needs, report: Progress) -> Engine:
    machine = os.uname().machine
    native = native_platforms(machine)
    started = private.start(report)
    emulation.ensure(needs.emulated, machine, report)
    return Engine(
        client=started.client,
        builder="default",
        driver="docker",
        native=native[:1],
        network="host",
        private=True,
        platforms=frozenset(native) | needs.emulated,
    )
