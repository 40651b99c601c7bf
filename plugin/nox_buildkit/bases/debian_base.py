"""The ``debian`` base: Python from Debian's archive, assembled without a registry or a daemon.

mmdebstrap downloads, verifies and unpacks the packages and runs no maintainer script (variant
``extract``), as distroless images are made; so any architecture takes seconds on any machine.
What the scripts would have made and a Python process needs is added here: the user database, the
CA bundle, name service configuration, and byte code of the standard library.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nox_buildkit.bases import store
from nox_buildkit.bases.bytecode import Bytecode, compile_library
from nox_buildkit.bases.maintainer_scripts import add_file
from nox_buildkit.bases.unpack import PACKAGES, Source, Tree, unpack
from nox_buildkit.errors import EngineError, PlanError, Problem
from nox_buildkit.files import cache_dir, locked, scratch
from nox_buildkit.oci.host import host_platform
from nox_buildkit.oci.layout_writer import PlatformImage, write_layout
from nox_buildkit.plan.wheel_platforms import Libc
from nox_buildkit.run import Programs

#: Counts changes of what this module makes of the same packages.
RECIPE = 6

#: What compiles packages that have no wheel, and what build scripts on Debian take for granted.
_COMPILERS = (
    "bash", "diffutils", "findutils", "g++", "gawk", "gcc", "grep", "gzip", "libc6-dev", "make",
    "perl-base", "pkgconf", "python3-dev", "sed",
)  # fmt: skip

#: How long the packages of one platform may take: a network can be slow.
_LIMIT_SECONDS = 1800

ARCHITECTURES = {"linux/amd64": "amd64", "linux/arm64": "arm64", "linux/arm/v7": "armhf"}


@dataclass(frozen=True, slots=True)
class Release:
    """A Debian release as a base: its Python and the C library that wheels are chosen against."""

    suite: str
    python: str
    libc: Libc


RELEASES = {
    release.python: release
    for release in (
        Release("bookworm", "3.11", Libc("glibc", (2, 36))),
        Release("trixie", "3.13", Libc("glibc", (2, 41))),
    )
}


@dataclass(frozen=True, slots=True)
class Contents:
    """What a base holds besides Python: ``packages`` of Debian's, ``compilers`` for Python's."""

    packages: tuple[str, ...] = ()
    compilers: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every Debian package that is asked for."""
        return tuple(sorted({*PACKAGES, *self.packages, *(_COMPILERS if self.compilers else ())}))

    def __str__(self) -> str:
        return "".join(f", {p}" for p in (*self.packages, *(["compilers"] * self.compilers)))


@dataclass(frozen=True, slots=True)
class DebianBase:
    """An assembled base: ``folder`` is an OCI layout, ``digest`` that of its index.

    ``packages``: name and version of every Debian package, by platform; ``asked``: what was asked
    for by name → the package that it is, of a virtual one the provider; ``lacks``: by platform, a
    sentence for what will be missed of what maintainer scripts do.
    """

    folder: Path
    digest: str
    packages: dict[str, dict[str, str]]
    asked: dict[str, str]
    lacks: dict[str, list[str]]


def release_for(python: str) -> Release:
    """The release that carries ``python`` (``3.13``). Raises PlanError where none does."""
    if found := RELEASES.get(python):
        return found
    offered = " and ".join(f"{r.python} ({r.suite})" for r in RELEASES.values())
    raise PlanError(
        Problem(
            f"base 'debian' has no Python {python}: Debian carries {offered}",
            "set 'python' to one of these, or use base 'slim'",
        )
    )


def assembled(release: Release, platforms: Iterable[str], contents: Contents) -> DebianBase | None:
    """The base if it was assembled before for all ``platforms``, and is whole."""
    return _read(_place(release, platforms, contents))


def assemble(
    release: Release,
    platforms: Iterable[str],
    source: Source,
    report: Callable[[str, int, int], None],
    *,
    contents: Contents,
    again: bool = False,
) -> DebianBase:
    """The base for ``platforms`` and the host's own, from the cache or from Debian's archive.

    ``again``: take the newest packages though there is a base already.

    Raises EngineError where packages cannot be downloaded or verified.
    """
    place = _place(release, platforms, contents)
    with locked(place.with_suffix(".lock")):
        if not again and (base := _read(place)):
            return base
        store.drop_damaged(place)
        with scratch(place.parent, ".assemble-") as work:
            work.chmod(0o755)
            wanted = _platforms(platforms)
            what = f"Debian {release.suite} with Python {release.python}"
            report(f"assembling {what}{contents} for {' and '.join(wanted)}", 0, 0)
            # The programs end before the threads that wait for them.
            with ThreadPoolExecutor() as pool, Programs(work, _LIMIT_SECONDS) as programs:
                unpacked = pool.map(
                    lambda p: unpack(
                        release.suite, ARCHITECTURES[p], contents.names, source, programs
                    ),
                    wanted,
                )
                trees = dict(zip(wanted, unpacked, strict=True))
                bytecode: Bytecode = {}
                if not contents.compilers:
                    host = trees[host_platform()]
                    bytecode = compile_library(host, release.python, work / "host", programs)
            layout = work / "layout"
            layout.mkdir()
            digest = write_layout(
                layout,
                [
                    # Nobody pulls what only builds use: packed in a hurry.
                    _image(
                        platform,
                        tree,
                        bytecode,
                        release,
                        compression=1 if contents.compilers else 6,
                    )
                    for platform, tree in trees.items()
                ],
            )
            versions = {platform: tree.packages for platform, tree in trees.items()}
            asked = {name: package for t in trees.values() for name, package in t.asked.items()}
            known: dict[str, Any] = {
                "digest": digest,
                "packages": versions,
                "asked": asked,
                "lacks": {platform: list(tree.lacks) for platform, tree in trees.items()},
            }
            return DebianBase(store.keep(place, layout, known), **known)


def _platforms(wanted: Iterable[str]) -> list[str]:
    """``wanted``, and the platform whose interpreter compiles byte code for all of them."""
    host = host_platform()
    if host not in ARCHITECTURES:
        raise EngineError(Problem(f"base 'debian' is not made on {host}", "use base 'slim'"))
    return sorted({*wanted, host})


def _place(release: Release, platforms: Iterable[str], contents: Contents) -> Path:
    key = json.dumps([RECIPE, contents.names, _platforms(platforms)])
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    return cache_dir() / "bases" / f"debian-{release.suite}-{digest}"


def _read(place: Path) -> DebianBase | None:
    found = store.find(place)
    return DebianBase(found[0], **found[1]) if found else None


def _image(
    platform: str, tree: Tree, bytecode: Bytecode, release: Release, *, compression: int
) -> PlatformImage:
    entries = dict(tree.entries)
    for name, (source, code) in bytecode.items():
        folder, _, file = name.rpartition("/__pycache__/")
        original = entries.get(f"{folder}/{file.split('.')[0]}.py")
        if original and original.content == source:
            add_file(entries, name, code)
    config = {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Cmd": ["python3"],
    }
    annotations = {"org.opencontainers.image.base.name": f"debian:{release.suite}"}
    return PlatformImage(platform, tuple(entries.values()), config, annotations, compression)
