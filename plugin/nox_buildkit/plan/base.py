"""Images that a build starts from."""

from __future__ import annotations

from dataclasses import dataclass, field

from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.identity import NOT_IDENTITY


@dataclass(frozen=True, slots=True)
class RegistryImage:
    """An image in a registry: ``repository`` in full (after mirrors), with a tag or without."""

    repository: str
    digest: str


@dataclass(frozen=True, slots=True)
class LayoutImage:
    """An image in the OCI layout ``folder`` (absolute) of this machine.

    ``manifests``: platform and digest of each image in its index.
    """

    folder: str = field(metadata=NOT_IDENTITY)
    digest: str
    manifests: tuple[tuple[str, str], ...] = field(default=(), metadata=NOT_IDENTITY)


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """The image ``name`` of the same plan, which is built before."""

    name: str


@dataclass(frozen=True, slots=True)
class DebianRelease:
    """An image that is going to be assembled from the release ``suite`` of Debian."""

    suite: str


#: Where an image comes from. ``render`` alone knows how BuildKit addresses each of them.
BaseSource = RegistryImage | LayoutImage | PlannedImage | DebianRelease


@dataclass(frozen=True, slots=True)
class Base:
    """An image to build on or in, pinned by ``digest``; ``interpreter``: the path of its Python.

    ``origin``: equal for images whose programs have the same publisher, so that what one of them
    writes to a cache may be read by another.
    """

    name: str
    digest: str
    source: BaseSource
    interpreter: str = ""
    origin: str = ""


def cross_name(platform: str) -> str:
    """Return the name that stages use for the image that compiles for ``platform``."""
    return f"cross-{PLATFORMS[platform].architecture}"


@dataclass(frozen=True, slots=True)
class Bases:
    """The images that an image is made with.

    ``base``: the lowest layers of the image; ``builder``: runs build steps, if the base does not;
    ``compiler``: compiles packages without a wheel, if there are such packages; ``steps``: runs
    steps, if they need Debian packages that were assembled with it; ``cross``: by platform, what
    compiles packages for it on the machine that builds.
    """

    base: Base
    builder: Base | None = None
    compiler: Base | None = None
    steps: Base | None = None
    cross: tuple[tuple[str, Base], ...] = ()

    @property
    def build(self) -> Base:
        """The image in which build steps run."""
        return self.builder or self.base

    @property
    def build_name(self) -> str:
        """The name that stages use for the image in which build steps run."""
        return "builder" if self.builder else "base"

    @property
    def named(self) -> dict[str, Base]:
        """Each image by the name that stages use for it."""
        every: dict[str, Base | None] = {
            "base": self.base,
            "builder": self.builder,
            "compiler": self.compiler,
            "step-base": self.steps,
        }
        every |= {cross_name(platform): base for platform, base in self.cross}
        return {name: base for name, base in every.items() if base}
