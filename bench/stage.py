"""Everything that the cases measure with: engine, projects, contenders, and how often."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench import network
from bench.base import PYTHON, slim_base
from bench.contenders import DEFINITION, Ours, Peer, bake, docker, nox
from bench.process import BenchError, Runner
from bench.project import Projects
from nox_buildkit.engine.buildkit import Engine, Needs
from nox_buildkit.engine.find import find_engine
from nox_buildkit.files import cache_dir, remove
from nox_buildkit.lock.uv_binary import uv_programs
from nox_buildkit.oci.platform import native_platforms

PLATFORMS = ("linux/amd64", "linux/arm64")
#: The state that most cases begin from.
BUILT = "built before; layer and download caches warm"
OVERRIDE = "docker-bake.override.json"


@dataclass(slots=True)
class Stage:
    """``repeat``: measurements of each contender; ``say``: tells what is going on."""

    engine: Engine
    runner: Runner
    root: Path
    projects: Projects
    peers: Mapping[str, Peer]
    ours: Ours
    repeat: int
    say: Callable[[str], None]
    loaded: list[str] = field(default_factory=list)
    _built: set[str] = field(default_factory=set)

    @property
    def emulated(self) -> frozenset[str]:
        """The peers whose installing steps run under emulation."""
        native = {*_processor(), *self.engine.native}
        return frozenset(n for n, peer in self.peers.items() if set(peer.platforms) - native)

    def build(self, name: str) -> float:
        """Seconds of one build of ``pip``, ``uv`` or ``ours``."""
        contender = self.ours if name == "ours" else self.peers[name]
        self.say(f"building {name}")
        seconds = self.runner.run(contender.build(), contender.folder)
        self._built.add(name)
        return seconds

    def plan_anew(self, build: Callable[[], float]) -> float:
        """Seconds of a ``build`` of ours that does not know of any before it."""
        remove(cache_dir() / "up-to-date")
        return build()

    def push(self, name: str, registry: str, tag: str, *platforms: str) -> float:
        """Seconds of a build that is pushed below ``registry``; of a peer as NAME:``tag``.

        ``platforms``: those that are built of a peer, or all.
        """
        self.say(f"pushing {name}")
        if name == "ours":
            return self.runner.run(self.ours.push(registry), self.ours.folder)
        # A tag of its own each time: containerd may collect what a tag that moves was before, while
        # the next image is unpacked on top of it.
        reference = f"{registry}/{name}:{tag}"
        self.loaded.append(reference)
        peer = self.peers[name]
        return self.runner.run(peer.push(reference, *platforms), peer.folder)

    def forget_layers(self) -> None:
        """Remove every layer from the engine's build cache, and keep its cache mounts.

        ``--no-cache`` would not do: BuildKit then starts with empty cache mounts too. Raises
        BenchError on an engine that is not our own.
        """
        if not self.engine.private:
            raise BenchError(
                "'no-layer-cache' empties the build cache of the engine, and this one is not the "
                "private engine; unset DOCKER_HOST, DOCKER_CONTEXT and BUILDX_BUILDER, or leave "
                "the case out"
            )
        prune = ("prune", "--all", "--force", "--filter", "type=regular")
        self.runner.output(
            docker(self.engine, "buildx", "--builder", self.engine.builder, *prune), self.root
        )
        self._built.clear()
        # Archives that are there would be up to date.
        for archive in self.ours.archive.parent.glob("*.oci.tar"):
            archive.unlink()

    def build_all(self) -> None:
        """Build, unmeasured, whatever this run has not built yet."""
        for name in (*self.peers, "ours"):
            self.build_once(name)

    def build_once(self, name: str) -> None:
        """Build ``name``, unmeasured, if this run has not built it yet."""
        if name not in self._built:
            self.build(name)

    def warm(self) -> None:
        """Fill every download cache, unmeasured."""
        for name, peer in self.peers.items():
            self.say(f"filling the download cache of {name}")
            self.runner.run(peer.downloads(), peer.folder)
        self.say("filling the caches of ours")
        self.runner.run(self.ours.build(), self.ours.folder)
        self._built.add("ours")

    def render(self) -> tuple[Path, list[str]]:
        """Our definition for plain bake: its folder, and the command that a user types there."""
        folder = self.root / "bare"
        self.runner.run(nox("render", "--output", str(folder)), self.ours.folder)
        values = {
            "secret": network.secrets(self.runner.environment),
            **({"network": self.engine.network} if self.engine.network else {}),
        }
        override = {"target": {self.projects.image: values}}
        (folder / OVERRIDE).write_text(json.dumps(override))
        bundle = network.ca_bundle(self.runner.environment)
        allowed = [str(self.root), *([str(bundle)] if bundle else [])]
        files = (DEFINITION, OVERRIDE)
        image = self.projects.image
        output = f"{image}.output=type=oci,dest={self.root / 'bare.oci.tar'}"
        return folder, bake(self.engine, files, allowed, ["--set", output, image])

    def forget_images(self) -> None:
        """Remove the images that were put into the engine's store."""
        for reference in self.loaded:
            with contextlib.suppress(BenchError):
                self.runner.output(
                    docker(self.engine, "image", "rm", "--force", reference), self.root
                )


def _processor() -> tuple[str, ...]:
    """The platforms that this machine's processor runs by itself."""
    return native_platforms(os.uname().machine)


@dataclass
class _Messages:
    """Progress without downloads."""

    message: Callable[[str], None]

    def transfer(self, name: str, done: int, total: int) -> None:
        pass


@contextlib.contextmanager
def stage(
    root: Path, *, platforms: tuple[str, ...], repeat: int, say: Callable[[str], None]
) -> Iterator[Stage]:
    """Set the stage in the empty folder ``root``; ``platforms`` are those of the peers."""
    base = slim_base(say)
    needs = Needs(platforms=frozenset(PLATFORMS), emulated=frozenset(platforms) - {*_processor()})
    say("looking for an engine")
    engine = find_engine(needs, report=_Messages(say))
    environment = network.with_network(os.environ)
    contexts = {
        f"python:{PYTHON}-slim": base.context,
        "uv": str(uv_programs(PLATFORMS)),
    }
    projects = Projects(root)
    projects.make(contexts)
    peers = {
        name: Peer(name, projects.peer(name), platforms, engine, environment)
        for name in ("pip", "uv")
    }
    for peer in peers.values():
        peer.define()
    runner = Runner(environment, root / "log")
    found = Stage(engine, runner, root, projects, peers, Ours(projects), repeat, say)
    try:
        yield found
    finally:
        found.forget_images()
