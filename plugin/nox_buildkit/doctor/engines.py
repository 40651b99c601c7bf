"""Verdicts on the engine: which one a build would use, why, and whether it can."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from nox_buildkit.debian.archive import without_archive
from nox_buildkit.doctor.engine_facts import EngineFacts, UserFacts
from nox_buildkit.doctor.finding import Finding, Verdict
from nox_buildkit.engine.choice import CREATE
from nox_buildkit.engine.inspect import Builder, Node
from nox_buildkit.engine.installed import GET_BUILDX
from nox_buildkit.engine.own_builder import own_builder
from nox_buildkit.engine.suitable import ENABLE_STORE, LIST, next_step
from nox_buildkit.errors import Code, Problem

ENGINE, PRIVATE, BUILDER, STORE, NODE = "engine", "private engine", "builder", "image store", "node"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The engine of a build: ``users`` or the private one; ``why``: a clause.

    ``unfit``: why the builder that was looked at first cannot be used; ``beside``: a builder of
    ours is used on that dockerd.
    """

    users: bool
    why: str
    unfit: Problem | None = None
    beside: bool = False


def choose(facts: EngineFacts) -> Chosen:
    """Return the engine that a build would use, by the order of ``engine.find``."""
    choice, users = facts.choice, facts.users
    if facts.own_socket:
        variable = (choice.named or "").partition("=")[0]
        return Chosen(False, f"{variable} is its socket")
    unfit = _unfit(users, named=bool(choice.explicit))
    if choice.explicit:
        variable = (choice.named or "").partition("=")[0]
        who = "--builder, BUILDX_BUILDER or the spec" if choice.builder else variable
        return Chosen(True, f"{who} names it", unfit)
    if not users.docker:
        return Chosen(False, "there is no docker on PATH")
    if users.unfit:
        return Chosen(False, users.unfit, unfit)
    if users.store is False and not facts.private.possible:
        why = "its dockerd has no containerd image store, so a builder of ours on it is used"
        return Chosen(True, why, beside=True)
    why = "it is the current one of the docker on PATH"
    if unfit:
        why = f"the current docker builder cannot be used ({unfit.message})"
    return Chosen(not unfit, why, unfit)


def _unfit(users: UserFacts, *, named: bool) -> Problem | None:
    """Return why the user's builder cannot do a build."""
    if users.absent or (named and not users.docker and not users.unfit):
        # The first build creates it, or unpacks a client that can ask.
        return None
    if users.unfit:
        return Code.BUILDER(users.unfit, GET_BUILDX.get(sys.platform, "install buildx"))
    if users.differs:
        message = f"it is another builder than the spec describes: {users.differs}"
        fix = "run `docker buildx rm` with its name, or give that in the spec another name"
        return Code.BUILDER(message, fix)
    if cause := users.failure or (users.builder.cause_of_all if users.builder else ""):
        return Code.BUILDER(cause, _start(cause, named=named))
    if users.store is False:
        return Code.BUILDER("its dockerd has no containerd image store", ENABLE_STORE)
    return None


def _start(cause: str, *, named: bool) -> str:
    start = f"{next_step(cause)}; or make a builder: `{CREATE}`"
    return f"{start}; {LIST} lists builders" if named and LIST not in start else start


def judge_engine(facts: EngineFacts) -> Iterator[Finding]:
    """Yield the verdicts on the engine that would be used, and on the private one."""
    chosen, users = choose(facts), facts.users
    name = _name(facts) if chosen.users else "the private engine"
    told = {"private": not chosen.users, "why": chosen.why}
    if not chosen.users:
        verdict: Verdict = "warning" if chosen.unfit else "ok"
        fix = chosen.unfit.hint if chosen.unfit else ""
        yield Finding(ENGINE, verdict, f"{name}: {chosen.why}", fix, told)
    elif chosen.unfit:
        message = f"{facts.choice.explicit}: {chosen.unfit.message}"
        yield Finding(ENGINE, "problem", message, chosen.unfit.hint, told)
    elif users.absent:
        yield Finding(ENGINE, "ok", f"{name}: the first build creates it", facts=told)
    elif not users.docker:
        message = f"{facts.choice.explicit}: it is asked once a build has unpacked a docker client"
        fix = "run `nox -s engine -- env`, which unpacks one"
        yield Finding(ENGINE, "warning", message, fix, told)
    else:
        yield Finding(ENGINE, "ok", f"{name}: {chosen.why}", facts=told)
    yield _private(facts, needed=not chosen.users)


def _name(facts: EngineFacts) -> str:
    found = facts.users.builder
    return f"builder {found.name if found else facts.choice.builder or 'default'}"


def _private(facts: EngineFacts, *, needed: bool) -> Finding:
    found = facts.private
    told = {"state": found.state, "version": found.version}
    if found.obstacle:
        fix = found.obstacle.hint or without_archive()
        if needed:
            return Finding(PRIVATE, "problem", found.obstacle.message, fix, told)
        message = f"not available, and not needed: {found.obstacle.message}"
        return Finding(PRIVATE, "ok", message, facts=told)
    match found.state:
        case "running":
            return Finding(PRIVATE, "ok", f"running, dockerd {found.version}", facts=told)
        case "broken":
            message = "a daemon of it has ended, or does not answer; the next build restarts it"
            return Finding(PRIVATE, "warning", message, "run `nox -s engine -- start`", told)
    unpacked = "" if found.unpacked else ", its programs are not unpacked yet"
    starts = "; the next build starts it" if needed else ", and not needed"
    return Finding(PRIVATE, "ok", f"not running{unpacked}{starts}", facts=told)


def judge_builder(facts: EngineFacts) -> Iterator[Finding]:
    """Yield the verdicts on the builder, its image store and its nodes."""
    chosen, users = choose(facts), facts.users
    if not chosen.users:
        told: dict[str, object] = {"name": "default", "driver": "docker"}
        yield Finding(BUILDER, "ok", "default, driver docker, of the private engine", facts=told)
        yield Finding(STORE, "ok", "containerd", facts={"containerd": True})
    for node in users.stated:
        yield _stated(node)
    if (found := users.builder) is None:
        return
    if chosen.beside:
        own = own_builder(found.name)
        message = f"{own.name}, driver {own.driver}; the first build creates it"
        yield Finding(BUILDER, "ok", message, facts={"name": own.name, "driver": own.driver})
    elif chosen.users:
        told = {"name": found.name, "driver": found.driver}
        version = f", dockerd {users.version}" if users.version and found.driver == "docker" else ""
        awake = any(node.running for node in found.nodes)
        running = "" if awake else ", not running; a build starts it"
        if not found.cause_of_all:
            message = f"{found.name}, driver {found.driver}{version}{running}"
            yield Finding(BUILDER, "ok", message, facts=told)
        yield from _store(found, users)
        for node in found.nodes:
            yield _node(node, found.driver)


def _store(found: Builder, users: UserFacts) -> Iterator[Finding]:
    told: dict[str, object] = {"containerd": users.store}
    if users.store is False:
        message = "that of Docker: it takes neither OCI layouts nor images of several platforms"
        yield Finding(STORE, "problem", message, ENABLE_STORE, told)
    elif users.store:
        yield Finding(STORE, "ok", "containerd", facts=told)
    elif found.driver != "docker":
        message = f"of BuildKit itself, by the driver {found.driver}"
        yield Finding(STORE, "ok", message, facts=told)


def _stated(node: Node) -> Finding:
    """Return the verdict on a node of which the spec tells, and no builder yet."""
    if node.error:
        fix = "start its BuildKit, or correct its endpoint and its certificates in the spec"
        return Finding(NODE, "problem", f"{_at(node)}: {node.error}", fix, _facts(node))
    return Finding(NODE, "ok", f"{_at(node)}: {node.status}", facts=_facts(node))


def _at(node: Node) -> str:
    return f"{node.name} at {node.endpoint}" if node.endpoint else node.name


def _facts(node: Node) -> dict[str, object]:
    return {
        "name": node.name, "endpoint": node.endpoint, "status": node.status,
        "version": node.version, "platforms": list(node.platforms),
    }  # fmt: skip


def _node(node: Node, driver: str) -> Finding:
    at, told = _at(node), _facts(node)
    if node.error:
        fix = "start its BuildKit, or run `docker buildx rm` with the builder and make it anew"
        return Finding(NODE, "problem", f"{at}: {node.error}", fix, told)
    if not node.running:
        # A build starts what buildx can start.
        starts = driver in ("docker-container", "kubernetes")
        verdict: Verdict = "ok" if starts else "problem"
        fix = "" if starts else "start its BuildKit: `docker buildx ls` shows whether it is reached"
        return Finding(NODE, verdict, f"{at}: {node.status or 'not running'}", fix, told)
    version = f", BuildKit {node.version}" if node.version else ""
    message = f"{at}: {node.status}{version}, {', '.join(node.native)}"
    return Finding(NODE, "ok", message, facts=told)
