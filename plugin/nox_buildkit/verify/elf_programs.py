"""Programs and shared objects, as the dynamic linker reads them (ELF, DT_NEEDED)."""

from __future__ import annotations

import io
import re
from typing import NamedTuple

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

#: What the kernel and the linker bring along by themselves.
_ALWAYS = ("linux-vdso.so", "ld-linux")


class Needs(NamedTuple):
    """Requests of a file to the dynamic linker; see ``Program``."""

    machine: str
    needed: tuple[str, ...]
    glibc: tuple[int, int]


def needs_of(content: bytes) -> Needs | None:
    """Read a file; None if it is no ELF file."""
    try:
        elf = ELFFile(io.BytesIO(content))
        dynamic = [s for s in elf.iter_segments() if isinstance(s, DynamicSegment)]
        tags = (tag for segment in dynamic for tag in segment.iter_tags("DT_NEEDED"))
        needed = [str(tag.needed) for tag in tags]  # type: ignore[attr-defined]  # set at run time
        glibc = _newest_glibc(elf)
    except (ELFError, ValueError):
        return None
    kept = tuple(library for library in needed if not library.startswith(_ALWAYS))
    return Needs(str(elf["e_machine"]), kept, glibc)


def _newest_glibc(elf: ELFFile) -> tuple[int, int]:
    """The newest of the symbol versions GLIBC_X.Y that the file asks for."""
    sections = [s for s in elf.iter_sections() if isinstance(s, GNUVerNeedSection)]
    names = (
        version.name
        for section in sections
        for _, versions in section.iter_versions()
        for version in versions
    )
    found = (re.fullmatch(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?", name) for name in names)
    return max(((int(m[1]), int(m[2])) for m in found if m), default=(0, 0))
