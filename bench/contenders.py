"""How each contender is run: the command that its user types."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import network
from bench.base import PYTHON
from bench.project import Projects
from nox_buildkit.engine.buildkit import Engine

MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
DEFINITION = "docker-bake.json"


@dataclass(frozen=True, slots=True)
class Peer:
    """``pip`` or ``uv``: a Dockerfile of its own and plain ``docker buildx bake``."""

    name: str
    folder: Path
    platforms: tuple[str, ...]
    engine: Engine
    environment: Mapping[str, str]

    def define(self) -> None:
        """Write docker-bake.json: the peer, and the step that fills its download cache."""
        contexts: dict[str, str] = json.loads((self.folder / "contexts.json").read_text())
        arguments = {"PYTHON_VERSION": PYTHON}
        common = {
            "context": ".",
            "contexts": contexts,
            "secret": network.secrets(self.environment),
            **({"network": self.engine.network} if self.engine.network else {}),
        }
        machines = " ".join(MACHINES[platform] for platform in self.platforms)
        definition = {
            "target": {
                self.name: {
                    **common,
                    "dockerfile": "Dockerfile",
                    "args": arguments,
                    "platforms": list(self.platforms),
                    "output": [f"type=oci,dest={self.archive}"],
                },
                "downloads": {
                    **common,
                    "dockerfile": "downloads.Dockerfile",
                    "target": f"{self.name}-downloads",
                    "args": {**arguments, "MACHINES": machines},
                    "output": ["type=cacheonly"],
                },
            }
        }
        (self.folder / DEFINITION).write_text(json.dumps(definition, indent=2))

    @property
    def archive(self) -> Path:
        """The OCI archive that a build writes."""
        return self.folder.parent / f"{self.name}.oci.tar"

    def build(self) -> list[str]:
        """Build all platforms into the archive."""
        return self._bake(self.name)

    def downloads(self) -> list[str]:
        """Fill the download cache, which --no-cache empties, whatever the layer cache says."""
        return self._bake("downloads", "--no-cache")

    def push(self, reference: str, *platforms: str) -> list[str]:
        """Build and push ``platforms``, or all."""
        return self._bake(
            self.name,
            *(part for p in platforms for part in ("--set", f"{self.name}.platform={p}")),
            *("--set", f"{self.name}.output=type=image,name={reference},push=true"),
        )

    def load(self, reference: str) -> list[str]:
        """Put the linux/amd64 image into the engine's store."""
        kind = "image" if self.engine.driver == "docker" else "docker"
        return self._bake(
            self.name,
            *("--set", f"{self.name}.platform=linux/amd64"),
            *("--set", f"{self.name}.output=type={kind},name={reference}"),
        )

    def _bake(self, target: str, *options: str) -> list[str]:
        allowed = [str(self.folder.parent), *self._outside()]
        return bake(self.engine, [DEFINITION], allowed, [*options, target])

    def _outside(self) -> list[str]:
        contexts: dict[str, str] = json.loads((self.folder / "contexts.json").read_text())
        paths = [c.removeprefix("oci-layout://").partition("@")[0] for c in contexts.values()]
        bundle = network.ca_bundle(self.environment)
        return [*paths, *([str(bundle)] if bundle else [])]


@dataclass(frozen=True, slots=True)
class Ours:
    """nox-buildkit: ``nox -s build`` in a folder with a noxfile and a buildspec."""

    projects: Projects

    @property
    def folder(self) -> Path:
        return self.projects.ours

    @property
    def archive(self) -> Path:
        """The OCI archive that a build writes."""
        return self.folder / "dist" / f"{self.projects.image}.oci.tar"

    def build(self) -> list[str]:
        """Build all platforms into dist/."""
        return nox("build")

    def push(self, registry: str) -> list[str]:
        """Build and push all platforms to ``registry``/IMAGE."""
        return nox("push", "--set", f"registry={registry}")

    def load(self) -> list[str]:
        """Put the image into the engine's store."""
        return nox("build", "--load")

    def steps_run(self) -> int:
        """How many steps the last build ran instead of taking them from the cache."""
        record = json.loads((self.folder / "dist" / "build.json").read_text())
        return int(record["images"][self.projects.image]["steps"]["executed"])


def nox(session: str, *arguments: str) -> list[str]:
    """``nox -s SESSION -- ARGUMENTS``."""
    rest = ["--", *arguments] if arguments else []
    return [sys.executable, "-m", "nox", "--session", session, *rest]


def docker(engine: Engine, *arguments: str) -> list[str]:
    """The docker command of ``engine``."""
    return [*engine.command, *arguments]


def bake(
    engine: Engine, files: Sequence[str], folders: Sequence[str], arguments: Sequence[str]
) -> list[str]:
    """``docker buildx bake`` that may read and write ``folders``."""
    return docker(
        engine,
        "buildx",
        *("--builder", engine.builder),
        "bake",
        *(part for file in files for part in ("--file", file)),
        *("--progress", "plain"),
        *(part for folder in folders for part in ("--allow", f"fs={folder}")),
        *(("--allow", f"network.{engine.network}") if engine.network else ()),
        *arguments,
    )
