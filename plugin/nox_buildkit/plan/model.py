"""The plan: one frozen value that says everything about what is going to be built.

Printed it is the dry run, rendered it is a Dockerfile and a bake definition, run it is the build.
It speaks of layers, packages, files and image configuration; how BuildKit is told so is the
business of ``render``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Container
from dataclasses import dataclass
from typing import Any, Literal

PackageKind = Literal["pure", "native"]

#: Counts changes of what is built of the same plan.
FORMAT = 1

#: Names of what is never part of an application, whatever ignore files say (gitignore patterns).
NEVER = (
    ".git", ".gitignore", ".gitattributes", ".gitmodules", ".dockerignore", ".hg", ".svn",
    ".venv", ".nox", ".tox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis",
    "__pycache__", "*.pyc", "*.pyo", ".DS_Store", ".env", ".netrc",
)  # fmt: skip

LayerKind = Literal["base", "pure", "native", "app"]


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel that is installed: the file that one platform, or (``pure``) every platform, gets.

    ``path``: where it lies on this machine, if it was built of the project's own sources;
    ``compiled``: ``filename`` is an sdist, and the build makes the wheel.
    """

    name: str
    version: str
    kind: PackageKind
    filename: str
    sha256: str
    size: int | None = None
    path: str | None = None
    compiled: bool = False


@dataclass(frozen=True, slots=True)
class Base:
    """The image under the application, pinned by digest."""

    name: str
    digest: str
    context: str


@dataclass(frozen=True, slots=True)
class PlatformPlan:
    """What differs between platforms. ``wheel_platform``: uv's ``--python-platform``."""

    platform: str
    wheel_platform: str
    packages: tuple[Package, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A source file; ``digest`` covers content and mode."""

    path: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Application:
    """The application layer: ``files`` of ``folder``, less what is ``ignored``."""

    folder: str
    files: tuple[File, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """Process configuration (OCI image specification, config.md)."""

    workdir: str
    user: str
    env: tuple[tuple[str, str], ...]
    entrypoint: tuple[str, ...] | None
    command: tuple[str, ...] | None
    expose: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """One image: an index of ``platforms`` over ``base``, tagged ``references``."""

    name: str
    base: Base
    builder: Base | None
    uv: str
    python: str
    lock: str | None
    index: str | None
    extra_indexes: tuple[str, ...]
    pure: tuple[Package, ...]
    platforms: tuple[PlatformPlan, ...]
    application: Application
    config: ImageConfig
    tags: tuple[str, ...]
    repository: str | None

    @property
    def references(self) -> tuple[str, ...]:
        """``registry/name:tag`` for every tag; without a registry, ``name:tag``."""
        return tuple(f"{self.repository or self.name}:{tag}" for tag in self.tags)

    @property
    def layers(self) -> tuple[LayerKind, ...]:
        """The layers above the base in their order; each is one layer of the image."""
        # Two small ones come first: the working folder, and the user's name.
        kinds: list[LayerKind] = ["app"]
        if self.names_user:
            kinds.append("app")
        if self.has_packages:
            kinds.append("pure")
        if self.has_native:
            kinds.append("native")
        return (*kinds, "app")

    @property
    def has_packages(self) -> bool:
        """Whether there is a virtual environment at all."""
        return bool(self.pure) or self.has_native

    @property
    def built(self) -> tuple[Package, ...]:
        """Wheels that come from this machine, and not from an index."""
        native = (package for platform in self.platforms for package in platform.packages)
        return tuple(dict.fromkeys(p for p in (*self.pure, *native) if p.path))

    @property
    def compiling(self) -> tuple[str, ...]:
        """Platforms on which packages are compiled, because they have no wheel for them."""
        return tuple(p.platform for p in self.platforms if any(x.compiled for x in p.packages))

    @property
    def has_native(self) -> bool:
        """Whether some platform has packages that the others do not share."""
        return any(platform.packages for platform in self.platforms)

    @property
    def names_user(self) -> bool:
        """Whether user and group are numbers, which get names in the image's user database."""
        return self.config.user.replace(":", "").isdigit()

    @property
    def digest(self) -> str:
        """Equal for equal plans: what is built does not depend on anything else."""
        value = dataclasses.asdict(self)
        # Where the sources lie, and what lies beside them, such as dist, is not in the image.
        del value["application"]["folder"], value["application"]["ignored"]
        for packages in (value["pure"], *(each["packages"] for each in value["platforms"])):
            for package in packages:
                del package["path"]
        return _digest([FORMAT, value])


@dataclass(frozen=True, slots=True)
class Plan:
    """All images of one build."""

    uv: str
    native: tuple[str, ...]
    images: tuple[ImagePlan, ...]

    @property
    def platforms(self) -> frozenset[str]:
        """Every platform that some image is built for."""
        return frozenset(p.platform for image in self.images for p in image.platforms)

    @property
    def emulated(self) -> frozenset[str]:
        """Platforms on which steps run though no machine that builds is one of them."""
        return frozenset(p for image in self.images for p in image.compiling) - set(self.native)

    def without(self, names: Container[str]) -> Plan:
        """The same plan without the images ``names``."""
        images = tuple(image for image in self.images if image.name not in names)
        return dataclasses.replace(self, images=images)

    def to_json(self) -> dict[str, Any]:
        """The whole plan as JSON values."""
        images = [
            {
                **dataclasses.asdict(image),
                "references": list(image.references),
                "layers": list(image.layers),
                "digest": image.digest,
            }
            for image in self.images
        ]
        return {"version": 1, "uv": self.uv, "native": list(self.native), "images": images}


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
