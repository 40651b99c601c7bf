"""A repository in memory: what was put, in which order, and a fault where a test wants one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nox_buildkit.errors import Code
from nox_buildkit.oci.content import Descriptor
from nox_buildkit.release.counted_file import Sent, nobody
from nox_buildkit.release.repository import RegistryError


@dataclass
class Recorder:
    """The repository ``name``; ``fault``: called with each operation before it is done."""

    name: str
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tagged: dict[str, str] = field(default_factory=dict)
    neighbours: dict[str, dict[str, bytes]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    fault: Callable[[str], None] = lambda operation: None

    def _do(self, operation: str) -> None:
        self.fault(operation)
        self.done.append(operation)

    def resolve(self, reference: str) -> Descriptor | None:
        self.fault(f"resolve {reference}")
        digest = self.tagged.get(reference, reference)
        if digest not in self.manifests:
            return None
        kind, content = self.manifests[digest]
        return Descriptor(kind, digest, len(content))

    def manifest(self, reference: str) -> bytes:
        return self.manifests[self.tagged.get(reference, reference)][1]

    def read_blob(self, digest: str, target: Path) -> None:
        target.write_bytes(self.blobs[digest])

    def has_blob(self, digest: str) -> bool:
        return digest in self.blobs

    def mount(self, digest: str, source: str) -> bool:
        found = self.neighbours.get(source, {}).get(digest)
        if found is None:
            return False
        self._do(f"mount {digest}")
        self.blobs[digest] = found
        return True

    def put_blob(self, digest: str, content: Path | bytes, sent: Sent = nobody) -> None:
        self._do(f"blob {digest}")
        self.blobs[digest] = content if isinstance(content, bytes) else content.read_bytes()

    def put_manifest(self, content: bytes, media_type: str, reference: str) -> str:
        self._do(f"manifest {reference}" if ":" in reference else f"tag {reference}")
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.manifests[digest] = (media_type, content)
        if ":" not in reference:
            self.tagged[reference] = digest
        return digest

    def tags(self) -> tuple[str, ...]:
        self.fault("tags")
        return tuple(self.tagged)

    def referrers(self, digest: str) -> tuple[Descriptor, ...] | None:
        return None


def failing(beginning: str, *, after: int = 0) -> Callable[[str], None]:
    """A fault: operations that begin so fail, all but the first ``after`` of them."""
    seen: list[str] = []

    def fault(operation: str) -> None:
        if operation.startswith(beginning):
            seen.append(operation)
            if len(seen) > after:
                raise RegistryError(Code.REGISTRY(f"the registry dies at {operation}"))

    return fault
