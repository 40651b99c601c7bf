"""Compressed sizes out of an OCI archive (OCI image specification, image-layout.md)."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any


def compressed_sizes(archive: Path) -> dict[str, int]:
    """Bytes to pull, by platform: layers and configuration of each image in ``archive``."""
    with tarfile.open(archive) as tar:
        index = _load(tar, "index.json")
        # An archive names its image in index.json, which names an index of platforms in turn.
        while all("index" in item["mediaType"] for item in index["manifests"]):
            index = _blob(tar, index["manifests"][0]["digest"])
        sizes = {}
        for descriptor in index["manifests"]:
            manifest = _blob(tar, descriptor["digest"])
            platform = descriptor.get("platform") or _blob(tar, manifest["config"]["digest"])
            name = f"{platform['os']}/{platform['architecture']}"
            if name != "unknown/unknown":  # an attestation
                layers = (manifest["config"], *manifest["layers"])
                sizes[name] = sum(layer["size"] for layer in layers)
    return sizes


def _blob(tar: tarfile.TarFile, digest: str) -> dict[str, Any]:
    return _load(tar, f"blobs/{digest.replace(':', '/')}")


def _load(tar: tarfile.TarFile, name: str) -> dict[str, Any]:
    stream = tar.extractfile(name)
    value: dict[str, Any] = json.load(stream) if stream else {}
    return value
