"""Python packages of an image: one file each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.identity import NOT_IDENTITY

PackageKind = Literal["pure", "native"]

#: Where the virtual environment lies in every image.
VENV = "/opt/venv"


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel that is installed: the file that one platform, or (``pure``) every platform, gets.

    ``path``: its place on this machine, or ``url``: its address, if no index has it;
    ``compiled``: ``filename`` is an sdist, and the build makes the wheel.
    """

    name: str
    version: str
    kind: PackageKind
    filename: str
    sha256: str
    size: int | None = None
    path: str | None = field(default=None, metadata=NOT_IDENTITY)
    url: str | None = field(default=None, metadata=NOT_IDENTITY)
    compiled: bool = False


@dataclass(frozen=True, slots=True)
class PlatformPackages:
    """Packages of one platform that the others do not share.

    ``wheel_platform``: uv's ``--python-platform``; ``installed``: packages of the base, if that is
    another image of the plan.
    """

    platform: str
    wheel_platform: str
    packages: tuple[Package, ...]
    installed: tuple[Package, ...] = ()

    @property
    def compiled(self) -> tuple[Package, ...]:
        """Packages that have no wheel for the platform."""
        return tuple(package for package in self.packages if package.compiled)

    @property
    def own(self) -> tuple[Package, ...]:
        """Those of them whose sources are on this machine, and change with the application."""
        return tuple(package for package in self.compiled if package.path)

    @property
    def others(self) -> tuple[Package, ...]:
        """Packages that change with the lock."""
        return tuple(package for package in self.packages if package not in self.own)


@dataclass(frozen=True, slots=True)
class StepPackages:
    """Packages that machines of ``platform`` need to run steps, besides the shared ones."""

    platform: str
    packages: tuple[Package, ...]


@dataclass(frozen=True, slots=True)
class Packages:
    """All Python packages of an image.

    ``pure``: the same file for every platform; ``local``: like ``pure``, but built of sources on
    this machine, so no index has them; ``platforms``: the rest of each platform; ``steps``: the
    packages of the machines that run steps; ``sources``: those of the rest that no platform of the
    image has a wheel of, whichever of them are asked for.
    """

    pure: tuple[Package, ...]
    local: tuple[Package, ...]
    platforms: tuple[PlatformPackages, ...]
    steps: tuple[StepPackages, ...] = ()
    sources: tuple[Package, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether the image gets a layer with a virtual environment."""
        return bool(self.pure or self.local) or self.native

    @property
    def native(self) -> bool:
        """Tell whether some platform has packages that the others do not share."""
        return any(one.packages for one in self.platforms)

    @property
    def own(self) -> bool:
        """Tell whether some platform has packages that are compiled of sources of this machine."""
        return any(one.own for one in self.platforms)

    @property
    def extend_base(self) -> bool:
        """Tell whether the base has a virtual environment with packages already."""
        return any(one.installed for one in self.platforms)

    @property
    def installed_on_target(self) -> tuple[str, ...]:
        """Platforms whose native packages are installed on the platform itself."""
        return tuple(
            one.platform
            for one in self.platforms
            if one.packages and not PLATFORMS[one.platform].cross
        )

    @property
    def compiled_platforms(self) -> tuple[str, ...]:
        """Platforms for which packages are compiled, because they have no wheel."""
        return tuple(one.platform for one in self.platforms if one.compiled)

    @property
    def compiled_for_all(self) -> tuple[Package, ...]:
        """Packages that have no wheel for any platform; their wheel may turn out to be pure."""
        return tuple(p for p in self.sources if all(p in one.compiled for one in self.platforms))

    @property
    def compiled_for_steps(self) -> tuple[Package, ...]:
        """Packages without a wheel that the machines which run steps need."""
        found = (package for one in self.steps for package in one.packages if package.compiled)
        return tuple(dict.fromkeys(found))

    @property
    def compiles(self) -> bool:
        """Tell whether some package is compiled."""
        return bool(self.compiled_platforms or self.compiled_for_steps)

    def of_every_platform(self) -> dict[str, tuple[Package, ...]]:
        """Return all packages of each platform, those of its base included."""
        return {
            one.platform: (*one.installed, *self.pure, *self.local, *one.packages)
            for one in self.platforms
        }
