"""Readings of a layer: made in one pass for everybody who asks, and kept."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from nox_buildkit.cache_entries import read_cached, write_cached
from nox_buildkit.files import cache_dir, private_dir
from nox_buildkit.oci.layer_archive import open_layer, path_of


class Member:
    """A member of a layer, before the next one is read."""

    __slots__ = ("_content", "_tar", "info")

    def __init__(self, tar: tarfile.TarFile, info: tarfile.TarInfo) -> None:
        self._tar = tar
        self.info = info
        self._content: bytes | None = None

    @property
    def path(self) -> str:
        """The absolute path."""
        return path_of(self.info)

    @property
    def content(self) -> bytes:
        """The content of a regular file."""
        # Seeking back in what is compressed begins at its start again.
        if self._content is None:
            stream = self._tar.extractfile(self.info)
            self._content = stream.read() if stream else b""
        return self._content


class Collector(Protocol):
    """Collects something while a layer is read."""

    def add(self, member: Member) -> None:
        """Take one member."""

    def value(self) -> Any:
        """Return what was collected, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Something that can be read of a layer; ``collect`` makes what collects it.

    ``format`` counts changes of what is read of the same layer.
    """

    name: str
    format: int
    collect: Callable[[], Collector]

    def kept(self, layer: Path) -> Path:
        """Return where it is kept."""
        return private_dir(cache_dir() / "layers") / f"{layer.name}.{self.name}.{self.format}.json"


def read(layer: Path, *readings: Reading) -> list[Any]:
    """Return ``readings`` of a compressed layer that is named by its digest, as JSON has them.

    It is read if one of them is not kept, and only once. Raises OSError, tarfile.TarError.
    """
    found = {reading: read_cached(reading.kept(layer)) for reading in readings}
    collectors = {reading: reading.collect() for reading in readings if found[reading] is None}
    if collectors:
        with open_layer(layer) as tar:
            for info in tar:
                member = Member(tar, info)
                for collector in collectors.values():
                    collector.add(member)
    for reading, collector in collectors.items():
        found[reading] = collector.value()
        write_cached(reading.kept(layer), found[reading])
    return list(found.values())


def read_ahead(layer: Path, readings: Collection[Reading]) -> None:
    """Make those ``readings`` of ``layer`` that are not kept, for whoever asks for them next.

    Raises OSError, tarfile.TarError.
    """
    if missing := [reading for reading in readings if not reading.kept(layer).exists()]:
        read(layer, *missing)
