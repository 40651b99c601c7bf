"""Find a BuildKit that can do what a build needs: the user's, else the private engine."""

from __future__ import annotations

import os

from nox_buildkit.engine import inspect as inspection
from nox_buildkit.engine import own_builder
from nox_buildkit.engine.buildkit import Engine, Needs
from nox_buildkit.engine.choice import Choice
from nox_buildkit.engine.client import Docker
from nox_buildkit.engine.installed import installed, require_other
from nox_buildkit.engine.planned_engine import chosen, client_of_user, named
from nox_buildkit.engine.private import emulation
from nox_buildkit.engine.private import engine as private
from nox_buildkit.engine.private.paths import EnginePaths
from nox_buildkit.engine.stated_builder import StatedBuilder, build_platforms
from nox_buildkit.engine.suitable import (
    NoImageStoreError,
    require_daemon,
    require_platforms,
    require_store,
    with_next_step,
)
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.oci.platform import native_platforms
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
        with named(choice):
            return _users(chosen(choice, report), choice.builder, needs, report)
    client = installed(report)
    if client is None:
        require_other(private=private.is_possible())
        return _private(needs, report)
    try:
        return _users(client, None, needs, report)
    except EngineError as unsuitable:
        return _instead(client, needs, unsuitable, report)


def start_own(builder: str | StatedBuilder | None = None, report: Progress = SILENT) -> None:
    """Start the private engine if ``find_engine`` is going to return it. Raises EngineError."""
    choice = Choice.of(builder)
    if choice.is_private or not (choice.explicit or installed()):
        private.start(report)


def find_client(report: Progress = SILENT) -> Docker:
    """Return a docker client with buildx for calls that need no daemon (imagetools).

    Raises EngineError.
    """
    if EnginePaths.current().host == os.environ.get("DOCKER_HOST"):
        return private.start(report).docker
    return client_of_user(report)


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
