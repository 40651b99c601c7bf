"""Facts about engines, gathered without starting one or building anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nox_buildkit.debian.archive import host_archive
from nox_buildkit.doctor.stated_nodes import stated_nodes
from nox_buildkit.engine import inspect as inspection
from nox_buildkit.engine.choice import Choice
from nox_buildkit.engine.client import Docker
from nox_buildkit.engine.docker_config import CREDENTIALS, borrow
from nox_buildkit.engine.inspect import Builder, Node
from nox_buildkit.engine.installed import installed
from nox_buildkit.engine.private import emulation
from nox_buildkit.engine.private import engine as private
from nox_buildkit.engine.private.binaries import Binaries
from nox_buildkit.engine.private.engine import State
from nox_buildkit.engine.stated_builder import ABSENT, StatedBuilder, difference
from nox_buildkit.engine.suitable import daemons, has_store, runs_here
from nox_buildkit.errors import EngineError, Problem
from nox_buildkit.files import cache_dir, cache_place
from nox_buildkit.oci.platform import PLATFORMS, native_platforms


@dataclass(frozen=True, slots=True)
class PrivateFacts:
    """The private engine: ``obstacle``: why it cannot run here; ``unpacked``: its programs are.

    ``possible``: a build tries it.
    """

    state: State
    version: str = ""
    unpacked: bool = False
    obstacle: Problem | None = None
    possible: bool = True


@dataclass(frozen=True, slots=True)
class UserFacts:
    """The builder that the user has, or names.

    ``docker``: the client that was asked, empty without one; ``unfit``: why it cannot be;
    ``failure``: why the builder gives no answer; ``absent``: the spec describes it, and it is not
    created yet; ``stated``: its nodes then; ``differs``: how it differs from that description;
    ``store``: whether its dockerd has the containerd image store; ``here``: whether its steps run
    under this host's kernel; ``root``: the folder of its data, where that is on this machine;
    ``version``: of its dockerd.
    """

    docker: str = ""
    unfit: str = ""
    builder: Builder | None = None
    failure: str = ""
    absent: bool = False
    stated: tuple[Node, ...] = ()
    differs: str = ""
    store: bool | None = None
    here: bool = False
    root: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """Both, and who chooses; ``machine``: of this host, ``superuser``: whether root asks.

    ``own_socket``: the user names that of the private engine; ``emulated``: platforms that this
    host has an emulator for; ``useless``: why the handler of a platform is of no use.
    """

    choice: Choice
    private: PrivateFacts
    users: UserFacts
    machine: str = "x86_64"
    superuser: bool = True
    own_socket: bool = False
    emulated: frozenset[str] = frozenset()
    useless: Mapping[str, str] = field(default_factory=dict)


def gather_engine(builder: str | StatedBuilder | None) -> EngineFacts:
    """Ask about the engines of this machine; ``builder``: the one that somebody names."""
    choice = Choice.of(builder)
    machine = os.uname().machine
    others = [p for p in PLATFORMS if p not in native_platforms(machine)]
    return EngineFacts(
        choice,
        _private(),
        UserFacts() if choice.is_private else _users(choice),
        machine,
        os.geteuid() == 0,
        choice.is_private,
        frozenset(p for p in others if emulation.runs(p, machine)),
        {p: why for p in others if (why := emulation.useless_handler(p))},
    )


def _private() -> PrivateFacts:
    found = private.status(measured=False)
    unpacked = _unpacked("engine") is not None
    try:
        private.require_root()
        if not unpacked:
            host_archive()
    except EngineError as error:
        obstacle, possible = error.problems[0], private.is_possible()
        return PrivateFacts(found.state, found.version, unpacked, obstacle, possible)
    return PrivateFacts(found.state, found.version, unpacked)


def _unpacked(*names: str) -> Binaries | None:
    """Return programs that are in the cache, without a proof of them."""
    tools = cache_place() / "tools"
    prefixes = (prefix for name in names for prefix in sorted(tools.glob(f"{name}-*")))
    return next((Binaries(p) for p in prefixes if Binaries(p).docker.is_file()), None)


def _users(choice: Choice) -> UserFacts:
    path = shutil.which("docker")
    client = installed()
    if client is None and choice.explicit and (ours := _unpacked("engine", "client")):
        config = borrow(cache_dir() / "client", ours.buildx, (*CREDENTIALS, "buildx"))
        client = Docker(str(ours.docker), config, plugin=str(ours.buildx))
    if client is None:
        return UserFacts(unfit=_without_client()) if choice.explicit else _unfit_client(path)
    docker = client.docker
    try:
        found = inspection.look(client, choice.builder)
    except EngineError as error:
        if choice.stated and ABSENT in str(error):
            return UserFacts(docker, absent=True, stated=tuple(stated_nodes(choice.stated)))
        return UserFacts(docker, failure=error.problems[0].message)
    differs = difference(choice.stated, found) if choice.stated else ""
    return _of_daemon(client, UserFacts(docker, builder=found, differs=differs))


def _unfit_client(path: str | None) -> UserFacts:
    unfit = f"{path} has no buildx whose bake knows --allow" if path else ""
    return UserFacts(path or "", unfit)


def _without_client() -> str:
    """Return why no docker client can be unpacked; empty if one can."""
    try:
        host_archive()
    except EngineError as error:
        return f"there is no docker with a buildx that will do, and {error.problems[0].message}"
    return ""


def _of_daemon(client: Docker, facts: UserFacts) -> UserFacts:
    """Return ``facts`` with those of the dockerd behind the builder, if one is."""
    found = facts.builder
    if found is None or found.cause_of_all:
        return facts
    try:
        behind = daemons(client, found)
    except EngineError as error:
        if found.driver == "docker":
            return replace(facts, failure=error.problems[0].message)
        return facts
    if not behind:
        return facts
    info, here = behind[0], all(map(runs_here, behind))
    root = info.root if here else ""
    store = has_store(info) if found.driver == "docker" else None
    version = info.version
    return replace(facts, store=store, here=here, root=root, version=version)
