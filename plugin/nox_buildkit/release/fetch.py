"""An image of a repository, written into an OCI layout."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from nox_buildkit.errors import Code
from nox_buildkit.oci.content import Descriptor, Index, Manifest, is_index
from nox_buildkit.oci.layout import Layout
from nox_buildkit.release.repository import RegistryError, Repository

_AT_ONCE = 5


def fetch_index(repository: Repository, digest: str, layout: Layout) -> Index:
    """Write the index ``digest`` and all that it refers to into ``layout``; return it.

    Raises RegistryError, also for an image that has no index.
    """
    content = repository.manifest(digest)
    reference = f"{repository.name}@{digest}"
    try:
        if not is_index(content):
            message = f"{reference} is the image of one platform, and no index"
            raise RegistryError(Code.NO_IMAGE(message, "name the index"))
        index = Index.parse(content)
    except ValueError as error:
        raise RegistryError(Code.NO_IMAGE(f"{reference} is not an image: it is {error}")) from None
    layout.write(index.media_type, content)
    fetch_manifests(repository, index.manifests, layout)
    return index


def fetch_manifests(repository: Repository, entries: Iterable[Descriptor], layout: Layout) -> None:
    """Write manifests and their blobs into ``layout``. Raises RegistryError."""
    blobs: set[str] = set()
    for entry in entries:
        content = repository.manifest(entry.digest)
        layout.write(entry.media_type, content)
        manifest = Manifest.parse(content)
        blobs |= {manifest.config.digest, *(layer.digest for layer in manifest.layers)}

    def fetch(digest: str) -> None:
        if not layout.path(digest).exists():
            repository.read_blob(digest, layout.path(digest))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(fetch, sorted(blobs)))
