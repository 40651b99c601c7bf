"""Questions to a docker client, its daemon and its builders, with a time limit.

Gaps of python-on-whales that are filled here: its calls have no time limit, so that a daemon that
accepts and never answers stops the build for good; it drops a builder's error; and it looks up a
builder by asking all of them, the dead ones too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from nox_buildkit.engine.client import Docker
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.run import run

#: As buildx prints options of a driver.
_OPTION = re.compile(r'(\S+?)=("(?:[^"\\]|\\.)*")')

SECONDS = 8
# buildx itself gives up on a node after 20 s (builder.go).
BUILDER_SECONDS = 25
# To start a builder's container may mean to pull its image first.
BOOT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a builder; ``platforms`` as it lists them, its own processor's first.

    ``version``: of its BuildKit.
    """

    name: str
    status: str
    platforms: tuple[str, ...]
    preferred: tuple[str, ...]
    error: str
    endpoint: str = ""
    version: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def native(self) -> tuple[str, ...]:
        return self.preferred or self.platforms[:1]

    @property
    def running(self) -> bool:
        """Tell whether it is reached: platforms that it was given are listed in any case."""
        return self.status == "running"


@dataclass(frozen=True, slots=True)
class Builder:
    """A builder as `docker buildx inspect` shows it."""

    name: str
    driver: str
    error: str
    nodes: tuple[Node, ...]

    @property
    def running(self) -> bool:
        return any(node.platforms for node in self.nodes)

    @property
    def native(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(p for node in self.nodes for p in node.native))

    @property
    def platforms(self) -> frozenset[str]:
        return frozenset(p for node in self.nodes for p in node.platforms)

    @property
    def unreached(self) -> tuple[Node, ...]:
        """The nodes that do not answer, and that buildx would not start."""
        if self.driver not in ("docker", "remote"):
            return ()
        return tuple(node for node in self.nodes if not node.running)

    @property
    def cause_of_all(self) -> str:
        """The reason why no node can be started; empty if one runs, or may do so."""
        if any(node.running for node in self.nodes):
            return ""
        if self.unreached:
            return self.cause
        return self.error or (self.cause if all(node.error for node in self.nodes) else "")

    @property
    def cause(self) -> str:
        """The reason why it does not run, as far as it is known."""
        return self.error or next(
            (node.error for node in self.nodes if node.error), "it is not running"
        )


@dataclass(frozen=True, slots=True)
class Daemon:
    """A dockerd as `docker info` tells of it; ``name``: of its host; ``root``: its data folder."""

    name: str
    version: str
    architecture: str
    kernel: str
    root: str
    store: frozenset[str]


def daemon(client: Docker, endpoint: str | None = None) -> Daemon:
    """Ask a daemon for its system information. Raises EngineError if it does not answer.

    ``endpoint``: its address, or the name of a docker context; None: the current one.
    """
    option = "--host" if endpoint and "://" in endpoint else "--context"
    chosen = (option, endpoint) if endpoint else ()
    found = json.loads(ask(client, *chosen, "info", "--format", "{{json .}}"))
    return Daemon(
        name=found.get("Name") or "",
        version=found.get("ServerVersion") or "",
        architecture=found.get("Architecture") or "",
        kernel=found.get("KernelVersion") or "",
        root=found.get("DockerRootDir") or "",
        # Rows of the storage driver's state, of which the last column is the value.
        store=frozenset(str(row[-1]) for row in found.get("DriverStatus") or () if row),
    )


def builder(client: Docker, name: str | None) -> Builder:
    """Look at the builder ``name`` (None: the current one), and start it if it can be started.

    Raises EngineError if there is none of that name, or it cannot be started.
    """
    names = (name,) if name else ()
    found = look(client, name)
    if found.running or found.error or found.driver == "docker":
        return found
    return parse(ask(client, "buildx", "inspect", "--bootstrap", *names, seconds=BOOT_SECONDS))


def look(client: Docker, name: str | None) -> Builder:
    """Look at the builder ``name`` (None: the current one), and leave it as it is.

    Raises EngineError if there is none of that name.
    """
    if name is None:
        return parse(ask(client, "buildx", "inspect"))
    # It may have nodes on other machines.
    return parse(ask(client, "buildx", "inspect", name, seconds=BUILDER_SECONDS))


def parse(text: str) -> Builder:
    """Read `buildx inspect`, which has no JSON: `Key: value` lines, a node from each Name on."""
    head, _, tail = text.partition("\nNodes:\n")
    fields = _fields(head)
    nodes = [_node(_fields(f"Name:{part}")) for part in f"\n{tail}".split("\nName:")[1:]]
    return Builder(
        fields.get("Name", ""), fields.get("Driver", ""), fields.get("Error", ""), tuple(nodes)
    )


def ask(client: Docker, *arguments: str, seconds: float = SECONDS) -> str:
    """Return what the client prints. Raises EngineError with the last line of its stderr."""
    what = " ".join(("docker", *arguments[:2]))
    words, env = client.words(*arguments), client.environment
    done = run(words, what=what, env=env, seconds=seconds)
    if done.returncode:
        raise EngineError(Code.BUILDER(done.cause.removeprefix("ERROR: ")))
    return done.output


def _node(fields: dict[str, str]) -> Node:
    listed = [p.strip() for p in fields.get("Platforms", "").split(",") if p.strip()]
    return Node(
        name=fields.get("Name", ""),
        status=fields.get("Status", ""),
        platforms=tuple(p.removesuffix("*") for p in listed),
        # Those that the user gave to this node (`buildx create --platform`) have a star.
        preferred=tuple(p.removesuffix("*") for p in listed if p.endswith("*")),
        error=fields.get("Error", ""),
        endpoint=fields.get("Endpoint", ""),
        version=fields.get("BuildKit version", fields.get("Buildkit", "")),
        options={k: json.loads(v) for k, v in _OPTION.findall(fields.get("Driver Options", ""))},
    )


def _fields(text: str) -> dict[str, str]:
    rows = (line.partition(":") for line in text.splitlines() if line[:1].strip())
    return {key: value.strip() for key, _, value in rows}
