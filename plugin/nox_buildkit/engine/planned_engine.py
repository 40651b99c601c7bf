"""The engine that a build is going to use, as far as it is known without starting one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from nox_buildkit.engine import inspect as inspection
from nox_buildkit.engine.buildkit import Needs, PlannedEngine
from nox_buildkit.engine.choice import CREATE, Choice
from nox_buildkit.engine.client import Docker
from nox_buildkit.engine.inspect import Builder
from nox_buildkit.engine.installed import installed
from nox_buildkit.engine.private.paths import EnginePaths
from nox_buildkit.engine.stated_builder import StatedBuilder, build_platforms, ensure_builder
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.files import cache_dir
from nox_buildkit.oci.platform import host_platform
from nox_buildkit.progress import SILENT, Progress


@contextlib.contextmanager
def named(choice: Choice) -> Iterator[None]:
    """Say in errors of the block which engine they are about."""
    try:
        yield
    except EngineError as error:
        problems = (
            replace(p, message=f"{choice.explicit}: {p.message}", hint=p.hint or _fix(choice))
            for p in error.problems
        )
        raise EngineError(*problems) from error


def chosen(choice: Choice, report: Progress) -> Docker:
    """Return a docker client that knows the builder of ``choice``. Raises EngineError."""
    client = client_of_user(report)
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
        with named(choice):
            client = chosen(choice, SILENT) if choice.explicit else installed()
    if client is not None:
        try:
            with named(choice):
                found = inspection.builder(client, choice.builder)
                # A builder whose daemon does not answer is here, as far as one can tell.
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
    if found.running and found.driver != "docker":
        return found.name
    from nox_buildkit.engine import own_builder  # noqa: PLC0415
    from nox_buildkit.engine.private import engine as private  # noqa: PLC0415
    from nox_buildkit.engine.suitable import NoImageStoreError, require_store  # noqa: PLC0415

    if not found.running:
        if private.is_possible():
            raise EngineError(Code.NO_ENGINE(found.cause))
        return found.name
    try:
        require_store(client, found, Needs(frozenset()))
    except NoImageStoreError:
        if private.is_possible():
            raise
        return own_builder.own_builder(found.name).name
    return found.name


def _fix(choice: Choice) -> str:
    if choice.builder:
        return f"`docker buildx ls` lists builders; `{CREATE} --name {choice.builder}` makes one"
    return "start that daemon, or unset the variable to use the private engine"


def client_of_user(report: Progress) -> Docker:
    """Return the user's docker client, else ours with the user's builders and contexts."""
    if (client := installed(report)) is not None:
        return client
    # Only where the user has none.
    from nox_buildkit.engine.docker_config import CREDENTIALS, borrow  # noqa: PLC0415
    from nox_buildkit.engine.private.binaries import client_binaries  # noqa: PLC0415

    binaries = client_binaries(report)
    names = (*CREDENTIALS, "buildx")
    config = borrow(cache_dir() / "client", binaries.buildx, names)
    return Docker(str(binaries.docker), config, plugin=str(binaries.buildx))
