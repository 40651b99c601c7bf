"""The file system of an image, from its layers (OCI image specification, layer.md)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
        #: Where members are whose layer names them by a path through a link, of each layer.
        self.moved: list[dict[str, str]] = []
        #: Where folders are, links followed, until some path is another thing.
        self._folders: dict[str, str] = {}
        for layer in layers:
            self._apply(_layer(layer))

    def _apply(self, members: Mapping[str, Entry]) -> None:
        """Put a layer on those below it, of which its whiteouts hide something."""
        moved: dict[str, str] = {}
        for path in members:
            if _is_whiteout(path):
                self._hide(path)
        for path, entry in members.items():
            if not _is_whiteout(path):
                place = self._put(path, entry)
                if place != path:
                    moved[path] = place
        self.moved.append(moved)

    def _hide(self, path: str) -> None:
        folder, name = posixpath.split(path)
        hidden = self._folder(folder)
        if name != _OPAQUE:
            hidden = posixpath.join(hidden, name.removeprefix(_WHITEOUT))
            self.entries.pop(hidden, None)
        self._clear(hidden)

    def _clear(self, folder: str) -> None:
        """Remove everything below ``folder``."""
        below = f"{folder.rstrip('/')}/"
        for each in [p for p in self.entries if p.startswith(below) and p != "/"]:
            del self.entries[each]
        self._folders.clear()

    def _put(self, path: str, entry: Entry) -> str:
        """Put a member where the folders on its way lead; return its place."""
        if path == "/":
            return path
        folder, name = posixpath.split(path)
        folder = self._folder(folder)
        place = posixpath.join(folder, name)
        known = self.entries.get(place)
        if known and known.folder and not entry.folder:
            self._clear(place)
        elif (known and known.link) or entry.link:
            self._folders.clear()
        self.entries[place] = entry
        # A layer need not have the folders on the way.
        while folder not in self.entries:
            self.entries[folder] = Entry(0o755, folder=True)
            folder = posixpath.dirname(folder)
        return place

    def _folder(self, path: str) -> str:
        if path not in self._folders:
            self._folders[path] = self._followed(path) or path
        return self._folders[path]

    def find(self, path: str) -> Entry | None:
        """Return the entry at the absolute ``path``, links followed; None if there is none."""
        return self.entries.get(self._followed(path))

    def _followed(self, path: str) -> str:
        """Return where ``path`` leads, links followed; "" for too many."""
        waiting, here, links = path.split("/"), "/", 0
        while waiting:
            part = waiting.pop(0)
            if part in ("", "."):
                continue
            here = posixpath.normpath(posixpath.join(here, part))
            entry = self.entries.get(here)
            if entry and entry.link:
                links += 1
                if links > _MOST_LINKS:
                    return ""
                waiting = [*entry.link.split("/"), *waiting]
                here = "/" if entry.link.startswith("/") else posixpath.dirname(here)
        return here

    def ending(self, suffixes: Iterable[str]) -> Iterator[str]:
        """Every path with one of the ends ``suffixes``."""
        ends = tuple(suffixes)
        return (path for path in self.entries if path.endswith(ends))


def _is_whiteout(path: str) -> bool:
    return posixpath.basename(path).startswith(_WHITEOUT)


class _Entries:
    """Collects the entries of a layer."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, bool, str]] = {}

    def add(self, member: Member) -> None:
        info = member.info
        link = info.linkname if info.issym() else ""
        # Of two members with one path, the later one counts, in its place.
        self._found.pop(member.path, None)
        self._found[member.path] = (info.mode & 0o777, info.isdir(), link)

    def value(self) -> dict[str, tuple[int, bool, str]]:
        return self._found


ENTRIES = Reading("tree", 2, _Entries)


def _layer(layer: Path) -> dict[str, Entry]:
    """Return the entries of a layer: it is read once, and what is in it is kept."""
    # Whoever asks for its parts need not read it again.
    read_ahead(layer, (ENTRIES, PARTS))
    (entries,) = read(layer, ENTRIES)
    return {path: Entry._make(entry) for path, entry in entries.items()}
