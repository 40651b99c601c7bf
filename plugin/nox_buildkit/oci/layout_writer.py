"""Write an OCI image layout: layers in, an index of one image a platform out.

Source: OCI image specification 1.1, image-layout.md, image-index.md, config.md.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of a layer: ``info`` (name without a leading slash) and its bytes."""

    info: tarfile.TarInfo
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class PlatformImage:
    """One layer and the process configuration of an image for one platform (``linux/arm64``).

    ``compression``: gzip's level.
    """

    platform: str
    entries: tuple[Entry, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    compression: int = 6


def write_layout(folder: Path, images: Iterable[PlatformImage]) -> str:
    """Write ``images`` as an OCI layout into ``folder``; return the digest of their index.

    The same entries give the same digest: members are sorted, times are zero, owners as given.
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as pool:
        manifests = list(pool.map(partial(_write_image, blobs), images))
    return _write_index(folder, manifests)


def _write_index(folder: Path, manifests: list[dict[str, Any]]) -> str:
    value = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    index = _write_json(folder / "blobs" / "sha256", INDEX, value)
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "index.json").write_bytes(
        _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [index]})
    )
    return str(index["digest"])


def compose_layout(folder: Path, layouts: Iterable[Path]) -> str:
    """Write an OCI layout into ``folder`` with the images of all ``layouts``; return its digest.

    Blobs are linked, not copied. The order of ``layouts`` is that of the index.
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    manifests: list[dict[str, Any]] = []
    for layout in layouts:
        (top,) = json.loads((layout / "index.json").read_bytes())["manifests"]
        own = layout / "blobs" / "sha256"
        index = top["digest"].removeprefix("sha256:")
        manifests += json.loads((own / index).read_bytes())["manifests"]
        for blob in own.iterdir():
            if blob.name != index and not (blobs / blob.name).exists():
                (blobs / blob.name).hardlink_to(blob)
    return _write_index(folder, manifests)


def layer_tar(stream: BinaryIO, entries: Iterable[Entry]) -> None:
    """Write ``entries`` to ``stream`` as a tar file that depends on nothing but them."""
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in sorted(entries, key=lambda entry: entry.info.name):
            entry.info.mtime = 0
            entry.info.uname = entry.info.gname = ""
            entry.info.pax_headers = {}
            if entry.info.isreg():
                entry.info.size = len(entry.content)
            tar.addfile(entry.info, io.BytesIO(entry.content))


def _write_image(blobs: Path, image: PlatformImage) -> dict[str, Any]:
    system, architecture, *variant = image.platform.split("/")
    platform = {"architecture": architecture, "os": system}
    if variant:
        platform["variant"] = variant[0]
    raw = io.BytesIO()
    layer_tar(raw, image.entries)
    layer = _write_blob(
        blobs, LAYER_GZIP, gzip.compress(raw.getvalue(), image.compression, mtime=0)
    )
    config = {
        **platform,
        "created": "1970-01-01T00:00:00Z",
        "config": dict(image.config),
        "rootfs": {"type": "layers", "diff_ids": [_digest(raw.getvalue())]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "mmdebstrap"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _write_json(blobs, CONFIG, config),
        "layers": [layer],
        "annotations": dict(image.annotations),
    }
    return {**_write_json(blobs, MANIFEST, manifest), "platform": platform}


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _write_json(blobs: Path, media_type: str, value: object) -> dict[str, Any]:
    return _write_blob(blobs, media_type, _json(value))


def _write_blob(blobs: Path, media_type: str, content: bytes) -> dict[str, Any]:
    digest = _digest(content)
    (blobs / digest.removeprefix("sha256:")).write_bytes(content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}
