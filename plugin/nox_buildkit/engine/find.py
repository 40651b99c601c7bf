"""Find a BuildKit that can do what a build needs: the user's, else the private engine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace

from nox_buildkit.engine import inspect as inspection
from nox_buildkit.engine import own_builder
from nox_buildkit.engine.buildkit import Engine, Needs, PlannedEngine
from nox_buildkit.engine.choice import Choice
from nox_buildkit.engine.client import Docker
from nox_buildkit.engine.docker_config import CREDENTIALS, borrow
from nox_buildkit.engine.inspect import Builder
from nox_buildkit.engine.installed import installed, require_other
from nox_buildkit.engine.private import emulation
from nox_buildkit.engine.private import engine as private
from nox_buildkit.engine.private.binaries import client_binaries
from nox_buildkit.engine.private.paths import EnginePaths
from nox_buildkit.engine.stated_builder import (
    StatedBuilder,
    build_platforms,
    ensure_builder,
)
from nox_buildkit.engine.suitable import (
    CREATE,
    NoImageStoreError,
    require_daemon,
    require_platforms,
    require_store,
    with_next_step,
)
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.files import cache_dir
from nox_buildkit.oci.platform import host_platform, native_platforms
from nox_buildkit.progress import SILENT, Progress


def find_engine(
    needs: Needs, builder: str | StatedBuilder | None = None, report: Progress = SILENT
) -> Engine:
    """Return an engine for ``needs``: ``builder``, the current docker context, or the private one.

    What the user names (argument, BUILDX_BUILDER, DOCKER_HOST, DOCKER_CONTEXT) is used or refused,
    never replaced. Where there is no private engine, a dockerd without the containerd image store
    gets a builder of ours. Raises EngineError.
    """
    choice = Choice.of(builder)
    if choice.is_private:
        return _private(needs, report)
    if choice.explicit:
        with _named(choice):
            return _users(_chosen(choice, report), choice.builder, needs, report)
    client = installed(report)
    if client is None:
        require_other(private=private.is_possible())
        return _private(needs, report)
    try:
        return _users(client, None, needs, report)
    except EngineError as unsuitable:
        return _instead(client, needs, unsuitable, report)


@contextlib.contextmanager
def _named(choice: Choice) -> Iterator[None]:
    """Say in errors of the block which engine they are about."""
    try:
        yield
    except EngineError as error:
        problems = (
            replace(p, message=f"{choice.explicit}: {p.message}", hint=p.hint or _fix(choice))
            for p in error.problems
        )
        raise EngineError(*problems) from error


def _chosen(choice: Choice, report: Progress) -> Docker:
    """Return a docker client that knows the builder of ``choice``. Raises EngineError."""
    client = _client(report)
    if choice.stated:
        ensure_builder(client, choice.stated)
    return client


def planned_engine(
    builder: str | StatedBuilder | None = None, *, exactly: bool = False
) -> PlannedEngine:
    """Tell which engine a build would use, without starting one or asking a daemon for long.

    ``exactly``: by name, which takes another question where the user has named none.
    Raises EngineError if the user names a builder that cannot be used.
    """
    choice = Choice.of(builder)
    client = None
    if not choice.is_private:
        with _named(choice):
            client = _chosen(choice, SILENT) if choice.stated else installed()
    if client is not None:
        try:
            found = inspection.builder(client, choice.builder)
            # A builder whose daemon does not answer is on this machine, as far as one can tell.
            native = build_platforms(client, found) if found.running else (host_platform(),)
            name = found.name if choice.explicit or not exactly else _usable(client, found)
            return PlannedEngine(client.command, name, native, nodes=len(found.nodes))
        except EngineError:
            if choice.explicit:
                raise
    paths = EnginePaths.current()
    options = ("--config", str(paths.docker_config), "--host", paths.host)
    return PlannedEngine(("docker", *options), "default", (host_platform(),), "host")


def _usable(client: Docker, found: Builder) -> str:
    """Return the name of the builder that the current one leads to.

    Raises EngineError if that is the private engine.
    """
    if not found.running or found.driver != "docker":
        return found.name
    try:
        require_store(client, found, Needs(frozenset()))
    except NoImageStoreError:
        if private.is_possible():
            raise
        return own_builder.own_builder(found.name).name
    return found.name


def find_client(report: Progress = SILENT) -> Docker:
    """Return a docker client with buildx for calls that need no daemon (imagetools).

    Raises EngineError.
    """
    if EnginePaths.current().host == os.environ.get("DOCKER_HOST"):
        return private.start(report).docker
    return _client(report)


def _fix(choice: Choice) -> str:
    if choice.builder:
        return f"`docker buildx ls` lists builders; `{CREATE} --name {choice.builder}` makes one"
    return "start that daemon, or unset the variable to use the private engine"


def _client(report: Progress) -> Docker:
    """Return the user's docker client, else ours with the user's builders and contexts."""
    if (client := installed(report)) is not None:
        return client
    binaries = client_binaries(report)
    names = (*CREDENTIALS, "buildx")
    config = borrow(cache_dir() / "client", binaries.buildx, names)
    return Docker(str(binaries.docker), config)


def _users(client: Docker, name: str | None, needs: Needs, report: Progress) -> Engine:
    """Check the builder ``name`` (None: the current one) of ``client``. Raises EngineError."""
    found = inspection.builder(client, name)
    if not found.running:
        raise EngineError(Code.NO_ENGINE(found.cause))
    if found.driver == "docker":
        require_store(client, found, needs)
    elif needs.load:
        require_daemon(client)
    added = require_platforms(client, found, needs, report)
    return Engine(
        docker=client,
        builder=found.name,
        driver=found.driver,
        native=build_platforms(client, found),
        platforms=found.platforms | added,
        nodes=len(found.nodes),
    )


def _instead(client: Docker, needs: Needs, unsuitable: EngineError, report: Progress) -> Engine:
    """Use the private engine, or a builder of ours, because the current one is ``unsuitable``."""
    if not private.is_possible():
        if isinstance(unsuitable, NoImageStoreError):
            return _beside(client, needs, unsuitable, report)
        raise with_next_step(unsuitable) from unsuitable
    try:
        engine = _private(needs, report)
    except EngineError as error:
        raise EngineError(*unsuitable.problems, *error.problems) from error
    for problem in unsuitable.problems:
        report.message(f"not the current docker builder ({problem.message}): the private engine")
    return engine


def _beside(client: Docker, needs: Needs, unsuitable: EngineError, report: Progress) -> Engine:
    """Use a builder of ours on the dockerd that is ``unsuitable`` by itself."""
    context = inspection.builder(client, None).name
    name = own_builder.own_builder(context).name
    try:
        own_builder.provide(client, context, unsuitable, report)
        return _users(client, name, needs, report)
    except EngineError as error:
        raise own_builder.failed(name, error, unsuitable) from error


def _private(needs: Needs, report: Progress) -> Engine:
    machine = os.uname().machine
    native = native_platforms(machine)
    started = private.start(report)
    emulation.ensure(needs.emulated, machine, report)
    return Engine(
        docker=started.docker,
        builder="default",
        driver="docker",
        native=native[:1],
        network="host",
        private=True,
        platforms=frozenset(native) | needs.emulated,
    )
