"""Needs of an image's programs that it does not meet: shared libraries, a newer glibc.

What the dynamic linker would look for is read from the files (ELF, DT_NEEDED), and looked up by
name in all layers: also in folders that only a package itself knows, since packages load libraries
of their own before those that need them. So what is reported is nowhere in the image.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from email.parser import BytesHeaderParser
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from nox_buildkit.debian import releases
from nox_buildkit.oci.installed_files import recorded_files
from nox_buildkit.oci.layer_contents import PARTS
from nox_buildkit.oci.layer_readings import Member, Reading, read, read_ahead
from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.oci.root_file_system import ENTRIES
from nox_buildkit.plan.wheel_platforms import Libc

_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")

#: Libraries of NVIDIA's driver, which its container toolkit brings from the host.
_DRIVER = ("libcuda.so.1", "libnvidia-*.so.*")

_MACHINES = {name: row.elf.name for name, row in PLATFORMS.items()}


@dataclass(frozen=True, slots=True)
class Program:
    """A program or a shared object: its machine (ELF's name), and the libraries that it needs.

    ``glibc``: the newest version of which it needs a symbol (0.0: none); ``pure``: it belongs to a
    distribution that is for every machine.
    """

    path: str
    machine: str
    needed: tuple[str, ...]
    glibc: tuple[int, int] = (0, 0)
    pure: bool = False


@dataclass(frozen=True, slots=True)
class LayerContents:
    """The names of shared libraries in one layer, and its programs.

    ``distribution``: ID and VERSION_ID of an os-release(5) in it.
    """

    libraries: frozenset[str]
    programs: tuple[Program, ...]
    distribution: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Missing:
    """A shared library that is nowhere in the image, and the programs that need it, sorted."""

    name: str
    needed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """Load failures of an image: a sentence for each of ``problems``, and missing libraries.

    ``distribution``: what the image is, ID and VERSION_ID of os-release(5); "" where unknown.
    """

    problems: tuple[str, ...]
    missing: tuple[Missing, ...]
    distribution: tuple[str, str]


def examine(
    layers: Sequence[Path], own: int, platform: str, libc: Libc, *, cuda: bool = False
) -> Findings:
    """Find out what will not load in the image of ``platform``.

    ``layers``: compressed tar files, the lowest first; the last ``own`` of them are looked into,
    those below them are the base's; ``cuda``: hosts of its containers have NVIDIA's driver.
    """
    readings = _readings(layers, own)
    contents = [_contents(layer, each) for layer, each in zip(layers, readings, strict=True)]
    present = frozenset[str]().union(*(layer.libraries for layer in contents))
    programs = [p for layer in contents for p in layer.programs]
    foreign = [p for p in programs if p.machine != _MACHINES.get(platform, p.machine)]
    newer = [p for p in programs if libc.family == "glibc" and p.glibc > libc.version]
    missing: dict[str, list[str]] = {}
    for program in programs:
        for library in program.needed:
            provided = library in present or (cuda and _is_of_driver(library))
            if program not in foreign and not provided:
                missing.setdefault(library, []).append(program.path)
    said = [
        *(
            f"/{program.path} is made for another machine ({program.machine})"
            for program in foreign
            # It may have programs for several machines, of which it starts the right one.
            if not program.pure
        ),
        *(
            f"/{program.path} needs glibc {program.glibc[0]}.{program.glibc[1]}, and the image has "
            f"{libc}"
            for program in newer
            if program not in foreign
        ),
    ]
    known = [layer.distribution for layer in contents if any(layer.distribution)]
    return Findings(
        tuple(said),
        tuple(Missing(library, tuple(sorted(paths))) for library, paths in missing.items()),
        known[-1] if known else ("", ""),
    )


class _Libraries:
    """Collects the names of shared libraries of a layer, and its distribution."""

    def __init__(self) -> None:
        self._libraries: set[str] = set()
        self._distribution = ("", "")

    def add(self, member: Member) -> None:
        info = member.info
        name = posixpath.basename(member.path)
        if ".so" in name and not info.isdir():
            self._libraries.add(name)
        if info.isreg() and member.path in _OS_RELEASE:
            self._distribution = releases.distribution(member.content)

    def value(self) -> dict[str, Any]:
        return {"libraries": sorted(self._libraries), "distribution": self._distribution}


class _Programs:
    """Collects the programs and shared objects of a layer."""

    def __init__(self) -> None:
        self._found: list[Program] = []
        self._pure: set[str] = set()
        self._records: dict[str, bytes] = {}

    def add(self, member: Member) -> None:
        folder, name = posixpath.split(member.path)
        if folder.endswith(".dist-info"):
            if name == "RECORD":
                self._records[folder] = member.content
            elif name == "WHEEL" and _is_pure(member.content):
                self._pure.add(folder)
        if not _may_be_program(member.info):
            return
        # Most layers were read before, or have none.
        from nox_buildkit.verify.elf_programs import needs_of  # noqa: PLC0415

        if needs := needs_of(member.content):
            self._found.append(Program(member.path[1:], *needs))

    def value(self) -> list[dict[str, Any]]:
        pure = {
            path[1:]
            for folder in self._pure
            for path, _ in recorded_files(folder, self._records.get(folder, b""))
        }
        return [asdict(replace(each, pure=each.path in pure)) for each in self._found]


LIBRARIES = Reading("libraries", 6, _Libraries)
PROGRAMS = Reading("programs", 6, _Programs)


def read_layers(layers: Sequence[Path], own: int) -> None:
    """Read new ``layers`` for `Tree` and `examine`, each once.

    Raises OSError, tarfile.TarError.
    """
    for layer, readings in zip(layers, _readings(layers, own), strict=True):
        read_ahead(layer, (ENTRIES, PARTS, *readings))


def _readings(layers: Sequence[Path], own: int) -> list[tuple[Reading, ...]]:
    base = len(layers) - own
    return [(LIBRARIES,)] * base + [(LIBRARIES, PROGRAMS)] * own


def _contents(layer: Path, readings: Sequence[Reading]) -> LayerContents:
    known, *found = read(layer, *readings)
    return LayerContents(
        frozenset(known["libraries"]),
        tuple(
            Program(p["path"], p["machine"], tuple(p["needed"]), tuple(p["glibc"]), p["pure"])
            for each in found
            for p in each
        ),
        (known["distribution"][0], known["distribution"][1]),
    )


def _is_pure(wheel: bytes) -> bool:
    """Tell whether a distribution is for every machine (WHEEL, binary distribution format)."""
    stated = BytesHeaderParser().parsebytes(wheel).get("Root-Is-Purelib", "")
    return str(stated).strip().lower() == "true"


def _is_of_driver(library: str) -> bool:
    return any(fnmatchcase(library, pattern) for pattern in _DRIVER)


def _may_be_program(member: tarfile.TarInfo) -> bool:
    return member.isreg() and (
        ".so" in posixpath.basename(member.name) or bool(member.mode & 0o100)
    )
