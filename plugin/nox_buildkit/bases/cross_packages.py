"""Debian packages that compile for another architecture than that of the machine they run on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from nox_buildkit.bases.assembled_bases import BaseContents
from nox_buildkit.bases.debian_release import Release
from nox_buildkit.debian.apt import apt
from nox_buildkit.debian.archive import host_archive
from nox_buildkit.debian.suite import Suite
from nox_buildkit.oci.platform import PLATFORMS, KnownPlatform

#: Of the target: what Python and every extension are linked with, and pkgconf's view of it.
_TARGET = ("libc6-dev", "libpython3-dev", "pkgconf")

#: Compilers of other languages → what each needs besides, to compile for the target.
_RUST = frozenset({"cargo", "rust-all", "rustc"})
_RUST_LIBRARY = "libstd-rust-dev"


@dataclass(frozen=True, slots=True)
class Placing:
    """The fields of a package that say for which machine it is installed (deb-control(5))."""

    name: str
    multi_arch: str
    architecture: str
    section: str

    @property
    def of_target(self) -> bool:
        """Tell whether it is for the machine that programs are compiled for (Debian, Multi-Arch).

        Libraries say ``same``; some headers with a program beside them say nothing. Crates say so
        as well, though they are sources, and require a Python of their architecture.
        """
        if self.section == "rust" or self.architecture == "all":
            return False
        headers = self.section == "libdevel" or self.name.endswith("-dev")
        return self.multi_arch == "same" or (not self.multi_arch and headers)


def packages_of(release: Release, contents: BaseContents) -> tuple[tuple[str, ...], str]:
    """Return the packages to unpack, and the architecture that they compile for, if another.

    Raises EngineError.
    """
    if not contents.target:
        return contents.names, ""
    target = PLATFORMS[contents.target]
    known = placings(Suite.of(host_archive(), release.suite), contents.packages)
    own = BaseContents(compilers=True).names
    return (*own, *cross_packages(contents.packages, target, known)), target.debian


def placings(suite: Suite, names: Collection[str]) -> dict[str, Placing]:
    """Return what the index of ``suite`` says of those of ``names`` that it has.

    Of a virtual package, what it says of the one that provides it. Raises EngineError.
    """
    suite.update()
    known = suite.names() & set(names)
    packages = {**{name: name for name in known}, **suite.providers(set(names) - known)}
    asked = sorted(set(packages.values()))
    found: dict[str, Placing] = {}
    text = apt(*suite.options, "show", *asked, program="apt-cache") if asked else ""
    for stanza in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line)
        if name := fields.get("Package", ""):
            stated = (fields.get(key, "") for key in ("Multi-Arch", "Architecture", "Section"))
            found.setdefault(name, Placing(name, *stated))
    return {name: found[package] for name, package in packages.items() if package in found}


def cross_packages(
    names: Collection[str], target: KnownPlatform, known: Mapping[str, Placing]
) -> tuple[str, ...]:
    """Return the packages that compile for ``target`` what takes ``names`` to compile natively.

    ``known``: what they are; of one that is not, the machine's own is taken.
    """
    return tuple(sorted(set(_packages(names, target, known))))


def _packages(
    names: Collection[str], target: KnownPlatform, known: Mapping[str, Placing]
) -> Iterator[str]:
    compilers = target.triple.replace("_", "-")
    yield from (f"gcc-{compilers}", f"g++-{compilers}")
    yield from (f"{name}:{target.debian}" for name in _TARGET)
    for name in names:
        placing = known.get(name)
        yield f"{name}:{target.debian}" if placing and placing.of_target else name
    if "gfortran" in names:
        yield f"gfortran-{compilers}"
    if not _RUST.isdisjoint(names):
        yield f"{_RUST_LIBRARY}:{target.debian}"
