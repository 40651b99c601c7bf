"""An image of an OCI layout, put into a repository by digest: no tag is touched.

Blobs first, then what refers to them, so that a registry never has a manifest with a hole in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from nox_buildkit.errors import Code
from nox_buildkit.oci.content import MANIFEST, Descriptor
from nox_buildkit.oci.layout import Layout
from nox_buildkit.oci.references import ImageReference
from nox_buildkit.progress import SILENT, Progress
from nox_buildkit.release.repository import RegistryError, Repository

#: Uploads at a time, as docker has it.
_AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class Pushed:
    """The bytes of blobs that went to a registry: ``sent`` over the network, ``mounted`` within."""

    sent: int = 0
    mounted: int = 0
    present: int = 0


def push(
    repository: Repository,
    layout: Layout,
    digest: str,
    *,
    origins: Mapping[str, str] | None = None,
    report: Progress = SILENT,
) -> Pushed:
    """Put the index ``digest`` of ``layout`` and all that it refers to into ``repository``.

    ``origins``: blob → a repository that has it, of use if it is of the same registry. Nothing is
    sent that is there. Raises RegistryError.
    """
    registry = ImageReference.parse(repository.name).registry
    near = {
        blob: origin
        for blob, origin in (origins or {}).items()
        if ImageReference.parse(origin).registry == registry
    }
    index = layout.index(digest)
    manifests = {entry.digest: layout.manifest(entry.digest) for entry in index.manifests}
    blobs = {
        blob.digest: blob
        for manifest in manifests.values()
        for blob in (manifest.config, *manifest.layers)
    }
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        send = partial(_put, repository, layout, near, report)
        done = tuple(pool.map(send, _largest_first(blobs.values())))
        put = partial(_put_manifest, repository, layout)
        list(pool.map(put, index.images))
        # Artifacts refer to images, and some registries want these to be there.
        list(pool.map(put, (entry for entry in index.manifests if entry.is_attestation)))
    whole = Descriptor(index.media_type, digest, len(layout.read(digest)))
    _put_manifest(repository, layout, whole)
    return Pushed(*(sum(each) for each in zip(*done, strict=True))) if done else Pushed()


def _largest_first(blobs: Iterable[Descriptor]) -> list[Descriptor]:
    return sorted(blobs, key=lambda blob: -blob.size)


def _put(
    repository: Repository,
    layout: Layout,
    origins: Mapping[str, str],
    report: Progress,
    blob: Descriptor,
) -> tuple[int, int, int]:
    """Put a blob; return the bytes that were sent, mounted, and there already."""
    if repository.has_blob(blob.digest):
        return 0, 0, blob.size
    origin = origins.get(blob.digest)
    if origin and repository.mount(blob.digest, origin):
        return 0, blob.size, 0
    name = f"{repository.name}@{blob.digest[:19]}"
    report.transfer(name, 0, blob.size)
    repository.put_blob(
        blob.digest,
        layout.path(blob.digest),
        # That it is whole the registry says.
        lambda done: report.transfer(name, min(done, blob.size - 1), blob.size),
    )
    report.transfer(name, blob.size, blob.size)
    return blob.size, 0, 0


def _put_manifest(repository: Repository, layout: Layout, entry: Descriptor) -> None:
    found = repository.resolve(entry.digest)
    if found and found.digest == entry.digest:
        return
    written = repository.put_manifest(
        layout.read(entry.digest), entry.media_type or MANIFEST, entry.digest
    )
    if written != entry.digest:
        raise RegistryError(
            Code.REGISTRY(f"{layout.path(entry.digest)} was changed while it was pushed")
        )
