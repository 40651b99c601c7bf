"""An OCI image as it lies in a tar file: read with nothing of the program under test."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class PlatformImage:
    """One platform's image: its manifest, its configuration, and its layers' content."""

    archive: dict[str, bytes]
    digest: str
    seen: dict[str, dict[str, tarfile.TarInfo]]

    @property
    def manifest(self) -> dict[str, Any]:
        return _json(self.archive, self.digest)

    @property
    def config(self) -> dict[str, Any]:
        return _json(self.archive, self.manifest["config"]["digest"])

    @property
    def layers(self) -> list[str]:
        """Digests of the layers, the base's first."""
        return [layer["digest"] for layer in self.manifest["layers"]]

    def unpacked(self, layer: str) -> bytes:
        """The tar file that a layer is when it is not compressed."""
        return gzip.decompress(self.archive[layer])

    def members(self, layer: str) -> dict[str, tarfile.TarInfo]:
        if layer not in self.seen:
            with tarfile.open(fileobj=io.BytesIO(self.unpacked(layer))) as tar:
                self.seen[layer] = {member.name: member for member in tar}
        return self.seen[layer]

    @property
    def own_layers(self) -> list[str]:
        """The layers above the base: those that this project's program made."""
        return self.layers[1:]

    @property
    def own_names(self) -> list[str]:
        """Every path in the layers above the base."""
        return [name for layer in self.own_layers for name in self.members(layer)]

    def contents(self, layer: str) -> Iterator[tuple[str, bytes]]:
        """Every regular file of a layer with its bytes."""
        with tarfile.open(fileobj=io.BytesIO(self.unpacked(layer))) as tar:
            for member in tar:
                stream = tar.extractfile(member) if member.isreg() else None
                if stream:
                    yield member.name, stream.read()

    def read(self, path: str) -> str:
        """The text of a file as a container sees it."""
        return self.read_bytes(path).decode()

    def read_bytes(self, path: str) -> bytes:
        for layer in reversed(self.layers):
            with tarfile.open(fileobj=io.BytesIO(self.unpacked(layer))) as tar:
                if path in tar.getnames():
                    stream = tar.extractfile(path)
                    assert stream
                    return stream.read()
        raise AssertionError(f"there is no {path}")


@dataclass
class ImageIndex:
    """Everything in one tar file."""

    archive: dict[str, bytes]
    digest: str
    seen: dict[str, dict[str, tarfile.TarInfo]] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> ImageIndex:
        """Read the tar file ``path``; every blob must be what its name says."""
        archive = {}
        with tarfile.open(path) as tar:
            for member in tar:
                stream = tar.extractfile(member)
                if stream is not None:
                    name = member.name.removeprefix("blobs/sha256/")
                    archive[name if name == member.name else f"sha256:{name}"] = stream.read()
        for name, content in archive.items():
            if name.startswith("sha256:"):
                assert name == f"sha256:{hashlib.sha256(content).hexdigest()}"
        top = json.loads(archive["index.json"])
        return cls(archive, top["manifests"][0]["digest"])

    @property
    def index(self) -> dict[str, Any]:
        return _json(self.archive, self.digest)

    @property
    def platforms(self) -> dict[str, PlatformImage]:
        return {
            _platform(entry["platform"]): PlatformImage(self.archive, entry["digest"], self.seen)
            for entry in self.index["manifests"]
        }


def _json(archive: dict[str, bytes], digest: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(archive[digest])
    return content


def _platform(entry: dict[str, str]) -> str:
    variant = entry.get("variant") if entry["architecture"] == "arm" else None
    return "/".join(filter(None, (entry["os"], entry["architecture"], variant)))
