"""The cache of the dynamic linker, /etc/ld.so.cache, as ldconfig(8) makes it in a running system.

It is written here since ldconfig reads only libraries of the machine that it runs on. The format is
that of glibc's sysdeps/generic/dl-cache.h (``cache_file_new``, version 1.1), what is in it that of
elf/ldconfig.c.
"""

from __future__ import annotations

import fnmatch
import io
import posixpath
import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from nox_buildkit.bases.image_inspection import Files
from nox_buildkit.oci.platform import PLATFORMS

CACHE = "etc/ld.so.cache"

#: Folders that the linker knows without being told, after those of /etc/ld.so.conf.
_TRUSTED = ("/lib", "/usr/lib")

_PATH = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")

#: ELF machine → the row of the table.
_BY_ELF = {row.elf.name: row for row in PLATFORMS.values()}
#: ELF machine → the flags of its libraries in the cache: the machine, and libc6.
_FLAGS = {name: row.linker for name, row in _BY_ELF.items()}

_MAGIC = b"glibc-ld.so.cache1.1"
#: Byte orders, as struct and as the cache name them.
_ORDERS = {"<": 2, ">": 3}
_HEADER, _ENTRY = "20sIIB3xI12x", "iIIIQ"


@dataclass(frozen=True, slots=True)
class Elf:
    """An ELF file as the dynamic linker reads it; ``searched``: its folders (RUNPATH, RPATH)."""

    machine: str
    soname: str
    needed: tuple[str, ...]
    searched: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Library:
    """The library of the name ``soname``; ``target``: the file, if a link is missing."""

    soname: str
    path: str
    machine: str
    target: str = ""


def read_elf(content: bytes) -> Elf | None:
    """Read ``content`` as the dynamic linker does; None if it is no such ELF file."""
    if not content.startswith(b"\x7fELF"):
        return None
    soname, needed, searched = "", [], []
    try:
        elf = ELFFile(io.BytesIO(content))
        segments = [s for s in elf.iter_segments() if isinstance(s, DynamicSegment)]
        for tag in (tag for segment in segments for tag in segment.iter_tags()):
            # Attributes of tags are set at run time.
            if tag.entry.d_tag == "DT_SONAME":
                soname = str(tag.soname)  # type: ignore[attr-defined]
            elif tag.entry.d_tag == "DT_NEEDED":
                needed.append(str(tag.needed))  # type: ignore[attr-defined]
            elif tag.entry.d_tag in ("DT_RUNPATH", "DT_RPATH"):
                path = tag.runpath if tag.entry.d_tag == "DT_RUNPATH" else tag.rpath  # type: ignore[attr-defined]
                searched += str(path).split(":")
        return (
            Elf(str(elf["e_machine"]), soname, tuple(needed), tuple(searched)) if segments else None
        )
    except (ELFError, ValueError):
        return None


def folders(contents: Mapping[str, bytes]) -> list[str]:
    """Return the linker's folders: of /etc/ld.so.conf in ``contents`` (by path), and its own."""
    return list(dict.fromkeys((*_configured(contents, "etc/ld.so.conf"), *_TRUSTED)))


def _configured(contents: Mapping[str, bytes], path: str) -> Iterator[str]:
    for line in contents.get(path, b"").decode(errors="replace").splitlines():
        words = line.partition("#")[0].split()
        if words[:1] == ["include"]:
            for pattern in words[1:]:
                full = posixpath.join(posixpath.dirname(path), pattern).lstrip("/")
                for name in sorted(fnmatch.filter(contents, full)):
                    if name != path and posixpath.dirname(name) == posixpath.dirname(full):
                        yield from _configured(contents, name)
        else:
            yield from (f"/{word.strip('/')}" for word in words)


def libraries(files: Files, elves: Mapping[str, Elf], looked: Iterable[str]) -> list[Library]:
    """Return the libraries in the folders ``looked`` into, in the order of search.

    ``elves``: ELF files by path. A folder that is there by two names is one, of the first name.
    """
    found: list[Library] = []
    seen: set[str] = set()
    for folder in looked:
        real = files.real(folder)
        if real is not None and real not in seen:
            seen.add(real)
            found += _libraries_in(files, elves, folder, real)
    return found


def _libraries_in(
    files: Files, elves: Mapping[str, Elf], folder: str, real: str
) -> Iterator[Library]:
    best: dict[str, tuple[tuple[bool, Order], str, str]] = {}
    for path in sorted(files.links):
        name = posixpath.basename(path)
        if (
            posixpath.dirname(path) != real
            or not name.startswith(("lib", "ld-"))
            or ".so" not in name
        ):
            continue
        elf = elves.get(files.real(path) or "")
        if elf is None:
            continue
        soname, link = elf.soname or name, files.links[path] is not None
        # A link of another name than the library's counts as a file, but for ld(1)'s libx.so.
        if link and name != soname and not (name.endswith(".so") and soname.startswith(name)):
            link = False
        if link:
            soname = name
        rank = (not link, order(name))
        if soname not in best or rank > best[soname][0]:
            best[soname] = (rank, name, elf.machine)
    for soname, (_, name, machine) in best.items():
        absent = f"{real}/{soname}" not in files.links
        yield Library(soname, f"{folder}/{soname}", machine, name if absent else "")


def missing(
    files: Files, elves: Mapping[str, Elf], known: Sequence[Library], machine: str
) -> dict[str, list[str]]:
    """Libraries that the linker will not find, each with the paths of what needs it.

    ``known``: libraries in the cache. Asked is for these, and for programs on PATH: what lies in a
    folder of its own is loaded by a program that knows where to look, or is not needed by all.
    """
    names = {library.soname for library in known}
    folders_known = (posixpath.dirname(library.path) for library in known)
    asked = {files.real(folder) for folder in (*_PATH, *dict.fromkeys(folders_known))}
    found: dict[str, list[str]] = {}
    for path, elf in sorted(elves.items()):
        if elf.machine == machine and posixpath.dirname(path) in asked:
            origin = f"/{posixpath.dirname(path)}"
            own = [re.sub(r"\$ORIGIN|\$\{ORIGIN\}", origin, folder) for folder in elf.searched]
            for name in elf.needed:
                places = (posixpath.join(folder, name) for folder in (*own, origin))
                if name not in names and not any(map(files.real, places)):
                    found.setdefault(name, []).append(path)
    return found


Order = tuple[tuple[int, int], ...]


def order(name: str) -> Order:
    """The order of names in the cache: numbers by their value, and after other characters."""
    parts = re.findall(r"(\d+)|(.)", name, re.DOTALL)
    return tuple((1, int(digits)) if digits else (0, ord(other)) for digits, other in parts)


def cache(found: Iterable[Library]) -> bytes:
    """The content of /etc/ld.so.cache, which says where each library is."""
    known = [library for library in found if library.machine in _FLAGS]
    # Stable: of two libraries with the same name, the one that is searched first stays so.
    known.sort(key=lambda library: (order(library.soname), _FLAGS[library.machine]), reverse=True)
    endian = _BY_ELF[known[0].machine].elf.endian if known else "<"
    header, entry = struct.Struct(endian + _HEADER), struct.Struct(endian + _ENTRY)
    start = header.size + len(known) * entry.size
    strings = bytearray()
    entries = bytearray()
    for library in known:
        key = start + len(strings)
        value = key + len(library.soname.encode()) + 1
        strings += library.soname.encode() + b"\0" + library.path.encode() + b"\0"
        entries += entry.pack(_FLAGS[library.machine], key, value, 0, 0)
    first = header.pack(_MAGIC, len(known), len(strings), _ORDERS[endian], 0)
    return first + bytes(entries) + bytes(strings)
