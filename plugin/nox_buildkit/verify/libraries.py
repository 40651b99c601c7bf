"""Needs of an image's programs that it does not meet: shared libraries, a newer glibc.

What the dynamic linker would look for is read from the files (ELF, DT_NEEDED), and looked up by
name in all layers: also in folders that only a package itself knows, since packages load libraries
of their own before those that need them. So what is reported is nowhere in the image.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nox_buildkit.cache_entries import read_cached, write_cached
from nox_buildkit.debian import releases
from nox_buildkit.files import cache_dir, private_dir
from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.wheel_platforms import Libc

#: Counts changes of what is read of the same layer.
_FORMAT = 4

_OS_RELEASE = ("etc/os-release", "usr/lib/os-release")

_MACHINES = {name: row.elf.name for name, row in PLATFORMS.items()}


@dataclass(frozen=True, slots=True)
class Program:
    """A program or a shared object: its machine (ELF's name), and the libraries that it needs.

    ``glibc``: the newest version of which it needs a symbol (0.0: none).
    """

    path: str
    machine: str
    needed: tuple[str, ...]
    glibc: tuple[int, int] = (0, 0)


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


def examine(layers: Sequence[Path], own: int, platform: str, libc: Libc) -> Findings:
    """Find out what will not load in the image of ``platform``.

    ``layers``: compressed tar files, the lowest first; the last ``own`` of them are looked into,
    those below them are the base's.
    """
    base = len(layers) - own
    contents = [read_layer(layer, programs=n >= base) for n, layer in enumerate(layers)]
    present = frozenset[str]().union(*(layer.libraries for layer in contents))
    programs = [p for layer in contents for p in layer.programs]
    foreign = [p for p in programs if p.machine != _MACHINES.get(platform, p.machine)]
    newer = [p for p in programs if libc.family == "glibc" and p.glibc > libc.version]
    missing: dict[str, list[str]] = {}
    for program in programs:
        for library in program.needed:
            if program not in foreign and library not in present:
                missing.setdefault(library, []).append(program.path)
    said = [
        *(
            f"/{program.path} is made for another machine ({program.machine})"
            for program in foreign
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


def read_layer(layer: Path, *, programs: bool) -> LayerContents:
    """Look into a layer, a blob named by its digest: it is read once and its contents are kept.

    Without ``programs``, only the names of its libraries.
    """
    what = "programs" if programs else "libraries"
    kept = private_dir(cache_dir() / "layers") / f"{layer.name}.{what}.{_FORMAT}.json"
    if (known := read_cached(kept)) is None:
        contents = _read(layer, programs=programs)
        write_cached(kept, {**asdict(contents), "libraries": [*contents.libraries]})
        return contents
    return LayerContents(
        frozenset(known["libraries"]),
        tuple(
            Program(p["path"], p["machine"], tuple(p["needed"]), tuple(p["glibc"]))
            for p in known["programs"]
        ),
        (known["distribution"][0], known["distribution"][1]),
    )


def _read(layer: Path, *, programs: bool) -> LayerContents:
    # Most layers were read before.
    from nox_buildkit.verify.elf_programs import needs_of  # noqa: PLC0415

    libraries, found, distribution = set(), [], ("", "")
    with tarfile.open(layer) as tar:
        for member in tar:
            name = posixpath.basename(member.name)
            if ".so" in name and not member.isdir():
                libraries.add(name)
            if member.isreg() and posixpath.normpath(member.name) in _OS_RELEASE:
                text = tar.extractfile(member)
                distribution = releases.distribution(text.read() if text else b"")
            stream = tar.extractfile(member) if programs and _may_be_program(member) else None
            # All of it at once: seeking back in what is compressed begins at its start again.
            if stream and (needs := needs_of(stream.read())):
                found.append(Program(member.name, *needs))
    return LayerContents(frozenset(libraries), tuple(found), distribution)


def _may_be_program(member: tarfile.TarInfo) -> bool:
    return member.isreg() and (
        ".so" in posixpath.basename(member.name) or bool(member.mode & 0o100)
    )
