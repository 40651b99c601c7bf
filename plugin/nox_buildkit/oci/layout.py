"""OCI image layouts: folders of blobs, read, checked and written.

Source: OCI image specification 1.1, image-layout.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.file_digests import FileDigests
from nox_buildkit.oci.content import Configuration, Descriptor, Index, Manifest

#: The file that says what the folder is.
MARK, MARK_TEXT = "oci-layout", b'{"imageLayoutVersion":"1.0.0"}'


@dataclass(frozen=True, slots=True)
class Layout:
    """The OCI layout in ``folder``.

    Readers raise OSError where a blob is missing, ValueError where it is something else.
    """

    folder: Path

    def path(self, digest: str) -> Path:
        """Return where the blob ``digest`` is."""
        return self.folder / "blobs" / digest.replace(":", "/")

    def read(self, digest: str) -> bytes:
        """Return the blob ``digest``."""
        return self.path(digest).read_bytes()

    def entries(self) -> tuple[Descriptor, ...]:
        """Return what the layout holds, by its index.json."""
        return Index.parse((self.folder / "index.json").read_bytes()).manifests

    def index(self, digest: str) -> Index:
        """Return the index ``digest``."""
        return Index.parse(self.read(digest))

    def manifest(self, digest: str) -> Manifest:
        """Return the manifest ``digest``."""
        return Manifest.parse(self.read(digest))

    def configuration(self, manifest: Manifest) -> Configuration:
        """Return the configuration of an image."""
        return Configuration.parse(self.read(manifest.config.digest))

    def layers(self, manifest: Manifest) -> tuple[Path, ...]:
        """Return the files of an image's layers, from the lowest."""
        return tuple(self.path(layer.digest) for layer in manifest.layers)

    def images(self, digest: str) -> Iterator[tuple[Descriptor, Manifest]]:
        """Yield each image of the index ``digest``; attestations are none."""
        for descriptor in self.index(digest).images:
            yield descriptor, self.manifest(descriptor.digest)

    def reachable(self, digest: str) -> frozenset[str]:
        """Return the digest of everything that the index ``digest`` refers to, its own included."""
        found = {digest}
        for descriptor in self.index(digest).manifests:
            manifest = self.manifest(descriptor.digest)
            found |= {descriptor.digest, manifest.config.digest}
            found |= {layer.digest for layer in manifest.layers}
        return frozenset(found)

    def is_whole(self, digest: str, known: FileDigests | None = None) -> bool:
        """Tell whether all that the index ``digest`` refers to is in it, unaltered.

        BuildKit does not write again what the layout has by name. ``known``: of blobs that were
        read before.
        """
        try:
            return all(self.is_unaltered(name, known) for name in sorted(self.reachable(digest)))
        except (OSError, ValueError):
            return False

    def is_unaltered(self, digest: str, known: FileDigests | None = None) -> bool:
        """Tell whether the blob ``digest`` has that digest. Raises OSError if it is missing."""
        algorithm, _, expected = digest.partition(":")
        path = self.path(digest)

        def read() -> str:
            with path.open("rb") as stream:
                return hashlib.file_digest(stream, algorithm).hexdigest()

        return (known.of(str(path), path.lstat(), read) if known else read()) == expected

    def sweep(self, digest: str) -> None:
        """Remove what the index ``digest`` does not refer to."""
        kept = {self.path(name) for name in self.reachable(digest)}
        for path in self.folder.glob("blobs/*/*"):
            if path not in kept:
                path.unlink()
        # BuildKit adds to it, and would name what is gone.
        (self.folder / "index.json").unlink()

    def write(self, media_type: str, content: bytes) -> Descriptor:
        """Write a blob."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        path = self.path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return Descriptor(media_type, digest, len(content))

    def finish(self, manifests: Iterable[Descriptor]) -> str:
        """Write the index of ``manifests``, make it the layout's only entry, return its digest."""
        index = Index(tuple(manifests))
        entry = self.write(index.media_type, index.to_bytes())
        (self.folder / MARK).write_bytes(MARK_TEXT)
        (self.folder / "index.json").write_bytes(Index((entry,)).to_bytes())
        return entry.digest


def compose(folder: Path, parts: Iterable[tuple[Layout, str]]) -> str:
    """Write a layout into ``folder`` with the images of all ``parts``; return its digest.

    ``parts``: layouts and the digests of their indexes, in the order of the images. Blobs are
    linked, not copied. Attestations come last, as BuildKit has them.
    """
    composed = Layout(folder)
    manifests: list[Descriptor] = []
    for layout, top in parts:
        manifests += layout.index(top).manifests
        for digest in layout.reachable(top) - {top}:
            path = composed.path(digest)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.hardlink_to(layout.path(digest))
    return composed.finish(sorted(manifests, key=lambda entry: entry.is_attestation))
