"""Assembled ``debian`` bases: their contents, and those that the cache has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.bases import store
from nox_buildkit.bases.debian_release import Release
from nox_buildkit.files import cache_dir

#: Counts changes of what is made of the same packages.
RECIPE = 9

#: What compiles packages that have no wheel, and what build scripts on Debian take for granted.
COMPILERS = (
    "bash", "diffutils", "findutils", "g++", "gawk", "gcc", "grep", "gzip", "libc6-dev", "make",
    "perl-base", "pkgconf", "python3-dev", "sed",
)  # fmt: skip

#: What every base has.
PACKAGES = (
    "base-files",
    "base-passwd",
    "ca-certificates",
    "coreutils",
    "dash",
    # Has ldconfig, which ctypes.util.find_library asks.
    "libc-bin",
    # Wheels may expect it from the system (PEP 600), as they do from libc.
    "libstdc++6",
    "media-types",
    "netbase",
    "python-is-python3",
    "python3",
    "tzdata",
)


@dataclass(frozen=True, slots=True)
class BaseContents:
    """The contents of a base besides Python: Debian's ``packages``, and ``compilers``.

    ``target``: the platform that they compile for, if not that of the base.
    """

    packages: tuple[str, ...] = ()
    compilers: bool = False
    target: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Every Debian package that is asked for."""
        return tuple(sorted({*PACKAGES, *self.packages, *(COMPILERS if self.compilers else ())}))

    def __str__(self) -> str:
        compilers = f"compilers for {self.target}" if self.target else "compilers"
        return "".join(f", {p}" for p in (*self.packages, *([compilers] * self.compilers)))


@dataclass(frozen=True, slots=True)
class DebianBase:
    """An assembled base: ``folder`` is an OCI layout, ``digest`` that of its index.

    ``manifests``: digest of the image of each platform; ``packages``: name and version of every
    Debian package, by platform; ``asked``: what was asked for by name → the package that it is, of
    a virtual one the provider; ``lacks``: by platform, a sentence for what will be missed of what
    maintainer scripts do.
    """

    folder: Path
    digest: str
    manifests: dict[str, str]
    packages: dict[str, dict[str, str]]
    asked: dict[str, str]
    lacks: dict[str, list[str]]


def assembled(
    release: Release, platforms: Iterable[str], contents: BaseContents
) -> DebianBase | None:
    """Return the base if every one of ``platforms`` was assembled before, and is whole."""
    wanted = sorted(set(platforms))
    parts = [read(place_of(release, [platform], contents)) for platform in wanted]
    if len(parts) == 1:
        return parts[0]
    found = read(place_of(release, wanted, contents))
    # A platform may have been assembled anew since.
    current = [manifest for part in parts if part for manifest in part.manifests.items()]
    return found if found and list(found.manifests.items()) == current else None


def place_of(release: Release, platforms: Iterable[str], contents: BaseContents) -> Path:
    """Return the place of such a base in the cache."""
    target = filter(None, [contents.target])
    key = json.dumps([RECIPE, contents.names, sorted(platforms), *target])
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    return cache_dir() / "bases" / f"debian-{release.suite}-{digest}"


def read(place: Path) -> DebianBase | None:
    """Return the newest base of ``place``; None if there is none, or if it is damaged."""
    found = store.find(place)
    return DebianBase(found[0], **found[1]) if found else None
