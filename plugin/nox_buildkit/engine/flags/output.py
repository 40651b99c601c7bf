"""Exporters of a build's result: buildx's ``--output``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.engine.flags.fields import Fields, join, split
from nox_buildkit.oci.content import Compression


@dataclass(frozen=True, slots=True)
class Output:
    """An exporter of BuildKit's and its attributes (moby/buildkit, README.md, Output)."""

    type: str
    attributes: Fields = ()

    @classmethod
    def parse(cls, text: str) -> Output:
        """Read ``type=oci,dest=…``. Raises ValueError."""
        fields = split(text)
        types = [value for key, value in fields if key == "type"]
        if len(types) != 1:
            raise ValueError(f"{text!r} has not one type")
        return cls(types[0], tuple(field for field in fields if field[0] != "type"))

    def __str__(self) -> str:
        return join((("type", self.type), *self.attributes))

    @classmethod
    def layout(cls, folder: Path, compression: Compression = "gzip") -> Output:
        """An OCI layout in ``folder``, with layers compressed with ``compression``."""
        return cls("oci", (("dest", str(folder)), ("tar", "false"), *compressed(compression)))

    @classmethod
    def files(cls, folder: Path) -> Output:
        """The files of a result, in ``folder``, each platform's in a folder of its own."""
        return cls("local", (("dest", str(folder)),))

    @classmethod
    def store(
        cls, references: Iterable[str], driver: str, compression: Compression = "gzip"
    ) -> Output:
        """The image store of the engine, under ``references``; ``driver``: buildx's."""
        # The docker driver's store takes an index as it is; other drivers send an archive to it.
        kind = "image" if driver == "docker" else "docker"
        names = ("name", ",".join(references))
        return cls(kind, (names, ("oci-mediatypes", "true"), *compressed(compression)))


def compressed(compression: Compression) -> Fields:
    """Return the attributes of an exporter that yield layers compressed with ``compression``.

    Without force, BuildKit takes whatever it has of a layer (moby/buildkit#1911), so that an image
    would depend on what was built before.
    """
    return (("compression", compression), ("force-compression", "true"))
