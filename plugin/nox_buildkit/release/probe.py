"""Traits of a registry, found out by trying it, and remembered for a day.

Sources: OCI distribution specification 1.1 (subject, referrers); many registries refuse a part of
it (moby/buildkit#7007, for one). What is written has no tag, takes a few hundred bytes, and is the
same every time.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass

from nox_buildkit.cache_entries import read_cached, write_cached
from nox_buildkit.files import cache_dir, private_dir
from nox_buildkit.oci.content import CONFIG, EMPTY, MANIFEST, Descriptor, Manifest
from nox_buildkit.oci.references import ImageReference
from nox_buildkit.release.repository import RegistryError, Repository
from nox_buildkit.release.sbom.attestations import Form

_DAY = 24 * 3600
#: Counts changes of what is probed.
_FORMAT = 2
_NOTHING = b"{}"
_TYPE = "application/vnd.nox-buildkit.probe.v1+json"


@dataclass(frozen=True, slots=True)
class RegistryTraits:
    """Traits of a ``registry``; ``probed``: seconds since 1970.

    ``by_digest``: manifests without a tag; ``empty_config``: artifacts without a configuration;
    ``dangling_subject``: artifacts that refer to a manifest which is not there;
    ``referrers``: the API for them, in place of tags that clients write; ``mounts``: blobs are
    taken over from other repositories. Whether tags are immutable is not probed: that would leave
    one behind.
    """

    registry: str
    probed: float
    by_digest: bool
    empty_config: bool
    dangling_subject: bool
    referrers: bool
    mounts: bool

    @property
    def form(self) -> Form:
        """The form of attestations that it takes."""
        return "oci-artifact" if self.by_digest and self.empty_config else "image"


def traits_of(repository: Repository, *, now: float | None = None) -> RegistryTraits:
    """Return what the registry of ``repository`` takes, at most a day old.

    Raises RegistryError if it does not let anything be written at all.
    """
    registry = ImageReference.parse(repository.name).registry
    moment = time.time() if now is None else now
    name = hashlib.sha256(registry.encode()).hexdigest()[:16]
    kept = private_dir(cache_dir() / "registries") / f"{name}.{_FORMAT}.json"
    known = read_cached(kept)
    if known and known["registry"] == registry and 0 <= moment - known["probed"] < _DAY:
        return RegistryTraits(**known)
    found = _probe(repository, registry, moment)
    write_cached(kept, asdict(found))
    return found


def _probe(repository: Repository, registry: str, moment: float) -> RegistryTraits:
    empty = _descriptor(EMPTY, _NOTHING)
    if not repository.has_blob(empty.digest):
        repository.put_blob(empty.digest, _NOTHING)
    artifact = Manifest(empty, (empty,), {}, _TYPE)
    image = Manifest(Descriptor(CONFIG, empty.digest, empty.size), (empty,))
    nowhere = Descriptor(MANIFEST, f"sha256:{hashlib.sha256(b'nowhere').hexdigest()}", 2)
    empty_config = _takes(repository, artifact)
    return RegistryTraits(
        registry=registry,
        probed=moment,
        by_digest=empty_config or _takes(repository, image),
        empty_config=empty_config,
        dangling_subject=_takes(repository, Manifest(empty, (empty,), {}, _TYPE, nowhere)),
        referrers=repository.referrers(nowhere.digest) is not None,
        mounts=_mounts(repository, empty.digest),
    )


def _mounts(repository: Repository, digest: str) -> bool:
    try:
        # The one repository in which the blob is for certain.
        return repository.mount(digest, repository.name)
    except RegistryError:
        return False


def _takes(repository: Repository, manifest: Manifest) -> bool:
    content = manifest.to_bytes()
    digest = _descriptor(MANIFEST, content).digest
    try:
        return repository.put_manifest(content, MANIFEST, digest) == digest
    except RegistryError:
        return False


def _descriptor(media_type: str, content: bytes) -> Descriptor:
    digest = hashlib.sha256(content).hexdigest()
    return Descriptor(media_type, f"sha256:{digest}", len(content))
