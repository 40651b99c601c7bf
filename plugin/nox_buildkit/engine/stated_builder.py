"""A builder that is described by value: created through buildx, or compared with what is there."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass, replace

from nox_buildkit.cache_entries import read_cached, write_cached
from nox_buildkit.engine import inspect as inspection
from nox_buildkit.engine.client import Docker
from nox_buildkit.engine.flags.fields import join
from nox_buildkit.engine.inspect import BOOT_SECONDS, BUILDER_SECONDS, Builder, Node, ask
from nox_buildkit.errors import Code, EngineError, Problem
from nox_buildkit.files import cache_dir, locked, private_dir, scratch, write_atomic

#: Begins what buildx says of a builder that it does not know.
ABSENT = "no builder"
#: Says on which platform a node builds: BuildKit alone knows (Dockerfile reference, BUILDPLATFORM).
_PROBE = """\
FROM scratch
ARG BUILDPLATFORM
COPY <<EOF /build-platform
$BUILDPLATFORM
EOF
"""


@dataclass(frozen=True, slots=True)
class StatedNode:
    """A node; ``options``: of its driver."""

    endpoint: str = ""
    platforms: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StatedBuilder:
    """A builder as it is to be."""

    name: str
    driver: str
    nodes: tuple[StatedNode, ...]

    def __str__(self) -> str:
        return self.name


def ensure_builder(client: Docker, stated: StatedBuilder) -> None:
    """Create ``stated`` where buildx knows no builder of its name. Raises EngineError.

    One that differs is refused, and nothing of it is changed: others may use it.
    """
    with locked(cache_dir() / "builders" / ".lock"):
        try:
            found = inspection.look(client, stated.name)
        except EngineError as error:
            if ABSENT not in str(error):
                raise
            _create(client, stated)
            return
    if differs := difference(stated, found):
        message = f"it is another builder than the spec describes: {differs}"
        hint = f"run `docker buildx rm {stated.name}`, or give that in the spec another name"
        raise EngineError(Code.BUILDER(message, hint))


def _create(client: Docker, stated: StatedBuilder) -> None:
    try:
        for number, node in enumerate(stated.nodes):
            options = (f"--driver-opt={join((option,))}" for option in node.options)
            ask(
                client,
                *("buildx", "create", "--name", stated.name, "--node", f"{stated.name}{number}"),
                *(("--append",) if number else ()),
                *("--driver", stated.driver),
                *((f"--platform={','.join(node.platforms)}",) if node.platforms else ()),
                *options,
                *((node.endpoint,) if node.endpoint else ()),
                seconds=BUILDER_SECONDS,
            )
    except BaseException as error:
        # buildx keeps a node before it asks it, and a builder of some of its nodes is another one.
        with contextlib.suppress(EngineError):
            ask(client, "buildx", "rm", "--force", stated.name)
        if not isinstance(error, EngineError):
            raise
        problems = (
            replace(p, message=f"it cannot be created: {p.message}") for p in error.problems
        )
        raise EngineError(*problems) from None


def difference(stated: StatedBuilder, found: Builder) -> str:
    """Return how a builder differs from what was stated; empty if it does not."""
    if found.driver != stated.driver:
        return f"its driver is {found.driver}, not {stated.driver}"
    if len(found.nodes) != len(stated.nodes):
        return f"it has {len(found.nodes)} nodes, not {len(stated.nodes)}"
    for wanted, node in zip(stated.nodes, found.nodes, strict=True):
        # buildx keeps the address of the context `default` in its place (builder.go).
        named = wanted.endpoint not in ("", "default")
        if named and node.endpoint != wanted.endpoint:
            return f"the endpoint of {node.name} is {node.endpoint}, not {wanted.endpoint}"
        if node.platforms and wanted.platforms and set(node.preferred) != set(wanted.platforms):
            return f"{node.name} is not for {', '.join(wanted.platforms)}"
        for key, value in wanted.options:
            if node.options.get(key) != value:
                return f"the option {key} of {node.name} is not {value}"
    return ""


def build_platforms(client: Docker, found: Builder) -> tuple[str, ...]:
    """Return the platforms on which the nodes of a builder build, asked once a description.

    What buildx lists first is what was given to a node, and need not be its processor's.

    Raises EngineError for nodes that do not answer: buildx would wait for each of them.
    """
    if found.unreached:
        raise EngineError(*map(_not_reached, found.unreached))
    if len(found.nodes) == 1 and not found.nodes[0].preferred:
        return found.native
    key = json.dumps([[node.name, node.endpoint, *node.platforms] for node in found.nodes])
    digest = hashlib.sha256(f"{found.name} {key}".encode()).hexdigest()
    entry = private_dir(cache_dir() / "builders") / f"{digest}.json"
    known: list[str] | None = read_cached(entry)
    if known is None:
        known = _asked(client, found)
        write_cached(entry, known)
    return tuple(known)


def _not_reached(node: Node) -> Problem:
    message = f"its node {node.name} ({node.endpoint}) does not answer"
    hint = "start BuildKit there, or take the node out of the builder"
    return Code.BUILDER(f"{message}: {node.error}" if node.error else message, hint)


def _asked(client: Docker, found: Builder) -> list[str]:
    wanted = dict.fromkeys(p for node in found.nodes for p in node.native)
    with scratch(private_dir(cache_dir() / "builders"), "probe-") as folder:
        write_atomic(folder / "context" / "Dockerfile", _PROBE)
        ask(
            client,
            *("buildx", "build", "--builder", found.name, "--platform", ",".join(wanted)),
            *("--output", f"type=local,dest={folder}/out", "--build-arg"),
            *("BUILDKIT_MULTI_PLATFORM=1", str(folder / "context")),
            seconds=BOOT_SECONDS,
        )
        answers = sorted((folder / "out").glob("*/build-platform"))
        return list(dict.fromkeys(path.read_text().strip() for path in answers))
