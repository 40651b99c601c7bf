"""Shared libraries that an image's programs need and the image does not have.

What the dynamic linker would look for is read from the files (ELF, DT_NEEDED), and looked up by
name in all layers: also in folders that only a package itself knows, since packages load libraries
of their own before those that need them. So what is reported is nowhere in the image.
"""

from __future__ import annotations

import io
import json
import posixpath
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from nox_buildkit.files import cache_dir, private_dir, write_atomic

#: Counts changes of what is read of the same layer.
_FORMAT = 1

#: What the kernel and the linker bring along by themselves.
_ALWAYS = ("linux-vdso.so", "ld-linux")

_MACHINES = {
    "linux/amd64": "EM_X86_64",
    "linux/arm64": "EM_AARCH64",
    "linux/arm/v7": "EM_ARM",
}


@dataclass(frozen=True, slots=True)
class Program:
    """A program or a shared object: its machine (ELF's name), and the libraries that it needs."""

    path: str
    machine: str
    needed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LayerContents:
    """What matters of one layer: the names of shared libraries in it, and its programs."""

    libraries: frozenset[str]
    programs: tuple[Program, ...]


def problems(layers: Sequence[Path], own: int, platform: str) -> list[str]:
    """A sentence for each thing that will not load in the image of ``platform``.

    ``layers``: compressed tar files, the lowest first; the last ``own`` of them are looked into,
    those below them are the base's.
    """
    base = len(layers) - own
    contents = [read_layer(layer, programs=n >= base) for n, layer in enumerate(layers)]
    present = frozenset[str]().union(*(layer.libraries for layer in contents))
    programs = [p for layer in contents for p in layer.programs]
    foreign = [p for p in programs if p.machine != _MACHINES.get(platform, p.machine)]
    missing: dict[str, list[str]] = {}
    for program in programs:
        for library in program.needed:
            if program not in foreign and library not in present:
                missing.setdefault(library, []).append(program.path)
    return [
        *(
            f"/{program.path} is made for another machine ({program.machine})"
            for program in foreign
        ),
        *(
            f"{library} is not in the image, and {_some(paths)}"
            for library, paths in missing.items()
        ),
    ]


def read_layer(layer: Path, *, programs: bool) -> LayerContents:
    """Look into a layer, a blob named by its digest: it is read once and its contents are kept.

    Without ``programs``, only the names of its libraries.
    """
    what = "programs" if programs else "libraries"
    kept = private_dir(cache_dir() / "layers") / f"{layer.name}.{what}.{_FORMAT}.json"
    try:
        known = json.loads(kept.read_text())
    except (OSError, ValueError):
        contents = _read(layer, programs=programs)
        write_atomic(kept, json.dumps({**asdict(contents), "libraries": [*contents.libraries]}))
        return contents
    return LayerContents(
        frozenset(known["libraries"]),
        tuple(Program(p["path"], p["machine"], tuple(p["needed"])) for p in known["programs"]),
    )


def _read(layer: Path, *, programs: bool) -> LayerContents:
    libraries, found = set(), []
    with tarfile.open(layer) as tar:
        for member in tar:
            name = posixpath.basename(member.name)
            if ".so" in name and not member.isdir():
                libraries.add(name)
            stream = tar.extractfile(member) if programs and _may_be_program(member) else None
            # All of it at once: seeking back in what is compressed begins at its start again.
            if stream and (program := _program(member.name, stream.read())):
                found.append(program)
    return LayerContents(frozenset(libraries), tuple(found))


def _may_be_program(member: tarfile.TarInfo) -> bool:
    return member.isreg() and (
        ".so" in posixpath.basename(member.name) or bool(member.mode & 0o100)
    )


def _program(path: str, content: bytes) -> Program | None:
    try:
        elf = ELFFile(io.BytesIO(content))
        dynamic = [s for s in elf.iter_segments() if isinstance(s, DynamicSegment)]
        tags = (tag for segment in dynamic for tag in segment.iter_tags("DT_NEEDED"))
        needed = [str(tag.needed) for tag in tags]  # type: ignore[attr-defined]  # set at run time
    except (ELFError, ValueError):
        return None
    kept = tuple(library for library in needed if not library.startswith(_ALWAYS))
    return Program(path, str(elf["e_machine"]), kept)


def _some(paths: Iterable[str]) -> str:
    first, *more = sorted(paths)
    return f"/{first} needs it" if not more else f"/{first} and {len(more)} more need it"
