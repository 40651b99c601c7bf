"""Parts of a layer and their sizes: installed distributions, Debian packages, and folders.

Sources: PyPA, "Recording installed projects" (RECORD); deb-md5sums(5).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_name

from nox_buildkit.oci.installed_files import recorded_files
from nox_buildkit.oci.layer_readings import Member, Reading, read

_RECORD = re.compile(
    r"(?P<folder>.*/site-packages/(?P<name>[^/]+)-(?P<version>[^-/]+)\.dist-info)/RECORD"
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


class _Parts:
    """Collects the parts of a layer."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._owners: dict[str, _Owner] = {}

    def add(self, member: Member) -> None:
        if not member.info.isreg():
            return
        path = member.path
        self._sizes[path] = member.info.size
        if not path.endswith(_LISTS):
            return
        if (found := _RECORD.fullmatch(path)) or (found := _MD5SUMS.fullmatch(path)):
            self._owners |= _owned(found, member.content)

    def value(self) -> list[list[str | int]]:
        totals: dict[_Owner, int] = defaultdict(int)
        for path, size in self._sizes.items():
            totals[_owner(path, size, self._owners)] += size
        found = [Part(o.kind, o.name, o.version, size) for o, size in totals.items() if size]
        found.sort(key=lambda part: (-part.size, part.kind, part.name))
        return [[part.kind, part.name, part.version, part.size] for part in found]


PARTS = Reading("parts", 2, _Parts)


def contents_of(layer: Path) -> tuple[Part, ...]:
    """Return the parts of a compressed layer named by its digest, the largest first.

    It is read once, and what was found is kept. Raises OSError, tarfile.TarError.
    """
    (known,) = read(layer, PARTS)
    return tuple(Part(*values) for values in known)


def _owned(found: re.Match[str], content: bytes) -> dict[str, _Owner]:
    """Return the owner of each path that a list of files names."""
    if found.re is _MD5SUMS:
        debian = _Owner("debian", found["name"])
        paths = (line.partition("  ")[2] for line in content.decode(errors="replace").splitlines())
        # The list itself is a part of what the package costs.
        return dict.fromkeys((found[0], *(f"/{path}" for path in paths)), debian)
    python = _Owner("python", str(canonicalize_name(found["name"])), found["version"])
    names = (path for path, _ in recorded_files(found["folder"], content))
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
