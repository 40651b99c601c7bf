"""The file system of an image, from its layers (OCI image specification, layer.md)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from nox_buildkit.oci.layer_contents import PARTS
from nox_buildkit.oci.layer_readings import Member, Reading, read, read_ahead

_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
# As the kernel (path_resolution(7)).
_MOST_LINKS = 40


# Thousands are made, in a quarter of the time that a dataclass takes.
class Entry(NamedTuple):
    """A path of an image: ``mode``: permissions; ``link``: where a symbolic link leads."""

    mode: int
    folder: bool = False
    link: str = ""


class Tree:
    """Everything in an image, by absolute path."""

    def __init__(self, layers: Sequence[Path]) -> None:
        """``layers``: compressed tar files named by their digests, the lowest first."""
        self.entries: dict[str, Entry] = {"/": Entry(0o755, folder=True)}
        for layer in layers:
            for path, entry in _layer(layer).items():
                self._put(path, entry)

    def _put(self, path: str, entry: Entry) -> None:
        folder, _, name = path.rpartition("/")
        folder = folder or "/"
        if name.startswith(_WHITEOUT):
            hidden = folder if name == _OPAQUE else f"{folder}/{name.removeprefix(_WHITEOUT)}"
            below = f"{hidden.rstrip('/')}/"
            gone = [p for p in self.entries if p.startswith(below)]
            for each in (*gone, *([hidden] if name != _OPAQUE else [])):
                self.entries.pop(each, None)
        else:
            self.entries[path] = entry
            # A layer need not have the folders on the way.
            while folder not in self.entries:
                self.entries[folder] = Entry(0o755, folder=True)
                folder = posixpath.dirname(folder)

    def find(self, path: str) -> Entry | None:
        """Return the entry at the absolute ``path``, links followed; None if there is none."""
        waiting, here, links = path.split("/"), "/", 0
        entry: Entry | None = self.entries["/"]
        while waiting:
            part = waiting.pop(0)
            if part in ("", "."):
                continue
            here = posixpath.normpath(posixpath.join(here, part))
            entry = self.entries.get(here)
            if entry is None:
                return None
            if entry.link:
                links += 1
                if links > _MOST_LINKS:
                    return None
                waiting = [*entry.link.split("/"), *waiting]
                here = "/" if entry.link.startswith("/") else posixpath.dirname(here)
        return entry

    def ending(self, suffixes: Iterable[str]) -> Iterator[str]:
        """Every path with one of the ends ``suffixes``."""
        ends = tuple(suffixes)
        return (path for path in self.entries if path.endswith(ends))


class _Entries:
    """Collects the entries of a layer."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, bool, str]] = {}

    def add(self, member: Member) -> None:
        info = member.info
        link = info.linkname if info.issym() else ""
        self._found[posixpath.normpath(f"/{info.name}")] = (info.mode & 0o777, info.isdir(), link)

    def value(self) -> dict[str, tuple[int, bool, str]]:
        return self._found


ENTRIES = Reading("tree", 1, _Entries)


def _layer(layer: Path) -> dict[str, Entry]:
    """Return the entries of a layer: it is read once, and what is in it is kept."""
    # Whoever asks for its parts need not read it again.
    read_ahead(layer, (ENTRIES, PARTS))
    (entries,) = read(layer, ENTRIES)
    return {path: Entry._make(entry) for path, entry in entries.items()}
