"""What BuildKit exported: an OCI layout read, described by layer kind, and packed into one file."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from nox_buildkit.errors import BuildError, Problem
from nox_buildkit.files import replacing
from nox_buildkit.oci.platform import Platform
from nox_buildkit.oci.references import qualified
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import LayerKind
from nox_buildkit.results.model import Archive, Layer, PlatformResult

#: containerd's name for the reference that an image is imported under.
IMAGE_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"


def read_platforms(folder: Path, digest: str, image: ImagePlan) -> tuple[PlatformResult, ...]:
    """The image of each platform in the index ``digest`` of the OCI layout ``folder``."""
    results = []
    for descriptor in _manifests(folder, digest):
        manifest = _read(folder, descriptor["digest"])
        if not (found := Platform.of(descriptor["platform"])).known:
            # An attestation of another manifest.
            continue
        platform = str(found)
        own = [layer.kind for layer in image.on(platform).layers]
        below: list[LayerKind] = ["base"] * (len(manifest["layers"]) - len(own))
        layers = tuple(
            Layer(kind, layer["digest"], layer["size"])
            for kind, layer in zip((*below, *own), manifest["layers"], strict=True)
        )
        results.append(PlatformResult(platform, descriptor["digest"], layers))
    return tuple(results)


def size_on(folder: Path, digest: str, platforms: Collection[str]) -> int:
    """Bytes of the layers of the image ``digest`` that ``platforms`` have in the OCI layout."""
    manifests = [
        _read(folder, descriptor["digest"])
        for descriptor in _manifests(folder, digest)
        if str(Platform.of(descriptor["platform"])) in platforms
    ]
    return sum(layer["size"] for manifest in manifests for layer in manifest["layers"])


def layer_files(folder: Path, result: PlatformResult) -> list[Path]:
    """The compressed layers of an image in the OCI layout ``folder``, the base's first."""
    return [_blob(folder, layer.digest) for layer in result.layers]


def read_config(folder: Path, result: PlatformResult) -> dict[str, Any]:
    """What containers are started with (OCI image specification, config.md, field config)."""
    manifest = _read(folder, result.digest)
    config: dict[str, Any] = _read(folder, manifest["config"]["digest"]).get("config") or {}
    return config


def pack(folder: Path, digest: str, references: tuple[str, ...], target: Path) -> None:
    """Write the image ``digest`` of the OCI layout ``folder`` to the tar file ``target``.

    Only what the image refers to goes in; the same image gives the same bytes. The index comes
    first, so that a reader of the file need not search for it. Raises BuildError.
    """
    index = _blob(folder, digest)
    kind = json.loads(index.read_bytes())["mediaType"]
    # An entry a tag: an image is loaded under each of them.
    entries = [
        {
            "mediaType": kind,
            "digest": digest,
            "size": index.stat().st_size,
            "annotations": {
                IMAGE_NAME: qualified(reference),
                REF_NAME: reference.rpartition(":")[2],
            },
        }
        for reference in references
    ]
    top = {"schemaVersion": 2, "mediaType": kind, "manifests": entries}
    try:
        with replacing(target) as temporary, tarfile.open(temporary, "w") as tar:
            _add(tar, "index.json", json.dumps(top, sort_keys=True).encode())
            _add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
            for name in sorted(set(_reachable(folder, digest))):
                path = _blob(folder, name)
                info = tarfile.TarInfo(f"blobs/{name.replace(':', '/')}")
                info.size, info.mode = path.stat().st_size, 0o444
                with path.open("rb") as stream:
                    tar.addfile(info, stream)
    except OSError as error:
        raise BuildError(Problem(f"{target} cannot be written: {error.strerror}")) from None


def archive_of(target: Path) -> Archive:
    """Size and digest of the file ``target``."""
    with target.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return Archive(stream.tell(), digest)


def is_archive(target: Path, archive: Archive) -> bool:
    """Whether the file ``target`` is ``archive``, all of it."""
    try:
        return target.stat().st_size == archive.size and archive_of(target) == archive
    except OSError:
        return False


def is_whole(folder: Path, digest: str) -> bool:
    """Whether all that the image ``digest`` refers to is in the OCI layout ``folder``, unaltered.

    BuildKit does not write again what is there by name.
    """
    try:
        return all(_is_unaltered(folder, name) for name in sorted(set(_reachable(folder, digest))))
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _is_unaltered(folder: Path, digest: str) -> bool:
    with _blob(folder, digest).open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}" == digest


def sweep(folder: Path, digest: str) -> None:
    """Remove from the OCI layout ``folder`` what the image ``digest`` does not refer to."""
    kept = {name.partition(":")[2] for name in _reachable(folder, digest)}
    for path in (folder / "blobs" / "sha256").iterdir():
        if path.name not in kept:
            path.unlink()
    # BuildKit adds to it, and would name what is gone.
    (folder / "index.json").unlink()


def _reachable(folder: Path, digest: str) -> Iterator[str]:
    yield digest
    for descriptor in _manifests(folder, digest):
        manifest = _read(folder, descriptor["digest"])
        yield descriptor["digest"]
        yield manifest["config"]["digest"]
        yield from (layer["digest"] for layer in manifest["layers"])


def _manifests(folder: Path, digest: str) -> list[dict[str, Any]]:
    manifests: list[dict[str, Any]] = _read(folder, digest)["manifests"]
    return manifests


def _read(folder: Path, digest: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_blob(folder, digest).read_bytes())
    return content


def _blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / digest.replace(":", "/")


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o444
    tar.addfile(info, io.BytesIO(content))
