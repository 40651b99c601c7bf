"""Parts of a layer and their sizes: installed distributions, Debian packages, and folders.

Sources: PyPA, "Recording installed projects" (RECORD); deb-md5sums(5).
"""

from __future__ import annotations

import csv
import io
import posixpath
import re
import tarfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_name

from nox_buildkit.cache_entries import read_cached, write_cached
from nox_buildkit.files import cache_dir, private_dir

#: Counts changes of what is read of the same layer.
_FORMAT = 1
_RECORD = re.compile(
    r"(?P<site>.*/site-packages)/(?P<name>[^/]+)-(?P<version>[^-/]+)\.dist-info/RECORD"
)
_MD5SUMS = re.compile(r"/var/lib/dpkg/(?:info|status\.d)/(?P<name>[^/:]+)(?::[^/]+)?\.md5sums")
_PYC = re.compile(r"(?P<folder>.*)/__pycache__/(?P<stem>[^/.]+)\.[^/]*\.pyc")
#: Depth of the folders that files of no package are told by.
_DEPTH = 3

#: A file of no package that is told by itself, in bytes.
_LARGE = 1_000_000
_LISTS = (".dist-info/RECORD", ".md5sums")

#: A Python distribution, a Debian package, or files that are of neither: a large one, or those of a
#: folder.
PartKind = Literal["python", "debian", "file", "folder"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a layer; ``size``: bytes of its files, as they are unpacked."""

    kind: PartKind
    name: str
    version: str
    size: int


@dataclass(frozen=True, slots=True)
class _Owner:
    kind: PartKind
    name: str
    version: str = ""


def contents_of(layer: Path) -> tuple[Part, ...]:
    """Return the parts of a compressed layer named by its digest, the largest first.

    It is read once, and what was found is kept. Raises OSError, tarfile.TarError.
    """
    known = read_cached(_kept(layer))
    if known is not None:
        return tuple(Part(*values) for values in known)
    found = Contents()
    with tarfile.open(layer) as tar:
        for member in tar:
            found.add(tar, member)
    return found.keep(layer)


class Contents:
    """Collects the parts of a layer from somebody who reads it anyway."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._owners: dict[str, _Owner] = {}

    def add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Take one member, before the next one is read."""
        if not member.isreg():
            return
        path = posixpath.normpath(f"/{member.name}")
        self._sizes[path] = member.size
        if not path.endswith(_LISTS):
            return
        if (found := _RECORD.fullmatch(path)) or (found := _MD5SUMS.fullmatch(path)):
            stream = tar.extractfile(member)
            text = stream.read().decode(errors="replace") if stream else ""
            self._owners |= _owned(found, text)

    def keep(self, layer: Path) -> tuple[Part, ...]:
        """Return the parts of ``layer``, which is read to its end, and keep them."""
        totals: dict[_Owner, int] = defaultdict(int)
        for path, size in self._sizes.items():
            totals[_owner(path, size, self._owners)] += size
        found = [Part(o.kind, o.name, o.version, size) for o, size in totals.items() if size]
        parts = sorted(found, key=lambda part: (-part.size, part.kind, part.name))
        write_cached(_kept(layer), [[p.kind, p.name, p.version, p.size] for p in parts])
        return tuple(parts)


def _kept(layer: Path) -> Path:
    return private_dir(cache_dir() / "layers") / f"{layer.name}.parts.{_FORMAT}.json"


def _owned(found: re.Match[str], text: str) -> dict[str, _Owner]:
    """Return the owner of each path that a list of files names."""
    if found.re is _MD5SUMS:
        debian = _Owner("debian", found["name"])
        paths = (line.partition("  ")[2] for line in text.splitlines())
        # The list itself is a part of what the package costs.
        return dict.fromkeys((found[0], *(f"/{path}" for path in paths)), debian)
    python = _Owner("python", str(canonicalize_name(found["name"])), found["version"])
    rows = csv.reader(io.StringIO(text, newline=""))
    names = (posixpath.normpath(posixpath.join(found["site"], row[0])) for row in rows if row)
    return dict.fromkeys(names, python)


def _owner(path: str, size: int, owners: Mapping[str, _Owner]) -> _Owner:
    if owner := owners.get(path):
        return owner
    # Byte code that is made after the installation is in no RECORD.
    compiled = _PYC.fullmatch(path)
    if compiled and (owner := owners.get(f"{compiled['folder']}/{compiled['stem']}.py")):
        return owner
    if size >= _LARGE:
        return _Owner("file", path)
    return _Owner("folder", "/" + "/".join(path.split("/")[1:-1][:_DEPTH]))
