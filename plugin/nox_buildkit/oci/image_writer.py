"""Images of one layer, written into an OCI layout: files in, an index of the platforms out."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from nox_buildkit.oci.content import (
    CONFIG,
    LAYER_GZIP,
    MANIFEST,
    Configuration,
    Descriptor,
    Manifest,
)
from nox_buildkit.oci.layout import Layout
from nox_buildkit.oci.platform import Platform

_EPOCH = "1970-01-01T00:00:00Z"


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


def write_images(folder: Path, images: Iterable[PlatformImage]) -> tuple[Descriptor, ...]:
    """Write ``images`` as an OCI layout into ``folder``; return the descriptors in its index.

    The same entries give the same digests: members are sorted, times are zero, owners as given.
    """
    layout = Layout(folder)
    with ThreadPoolExecutor() as pool:
        manifests = tuple(pool.map(partial(_write_image, layout), images))
    layout.finish(manifests)
    return manifests


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


def _write_image(layout: Layout, image: PlatformImage) -> Descriptor:
    platform = Platform.parse(image.platform)
    raw = io.BytesIO()
    layer_tar(raw, image.entries)
    layer = layout.write(LAYER_GZIP, gzip.compress(raw.getvalue(), image.compression, mtime=0))
    configuration = Configuration(
        platform,
        image.config,
        (f"sha256:{hashlib.sha256(raw.getvalue()).hexdigest()}",),
        _EPOCH,
        ({"created": _EPOCH, "created_by": "mmdebstrap"},),
    )
    config = layout.write(CONFIG, configuration.to_bytes())
    manifest = Manifest(config, (layer,), image.annotations)
    return replace(layout.write(MANIFEST, manifest.to_bytes()), platform=platform)
