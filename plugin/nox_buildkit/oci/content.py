"""Parts of OCI images as values: descriptors, indexes, manifests, configurations.

Sources: OCI image specification 1.1, descriptor.md, image-index.md, manifest.md, config.md;
attestations in an index: docker/buildx, docs/reference/buildx_build.md (attestation storage).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nox_buildkit.oci.platform import Platform

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
#: The configuration of artifacts that have none: ``{}``.
EMPTY = "application/vnd.oci.empty.v1+json"
#: What layers are compressed with.
Compression = Literal["gzip", "zstd"]
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
#: Docker's name for an index, which registries have of older images.
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"

_DIGEST = re.compile(r"sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})")
_REFERENCE_TYPE = "vnd.docker.reference.type"


#: Characters that Go's encoder writes as escapes.
_GO_ESCAPES = re.compile("[<>&\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A reference to a blob: ``size`` in bytes; ``platform``: of a manifest in an index."""

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, value: object) -> Descriptor:
        """Read the JSON value of a descriptor. Raises ValueError."""
        fields = _object(value)
        digest, size = fields.get("digest"), fields.get("size")
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is not a digest")
        if not isinstance(size, int) or size < 0:
            raise ValueError(f"{size!r} is not a size")
        platform = fields.get("platform")
        return cls(
            str(fields.get("mediaType", "")),
            digest,
            size,
            None if platform is None else Platform.of(_object(platform)),
            _texts(fields.get("annotations")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value."""
        value: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        if self.annotations:
            value["annotations"] = dict(sorted(self.annotations.items()))
        if self.platform:
            value["platform"] = self.platform.to_json()
        return value

    @property
    def is_attestation(self) -> bool:
        """Tell whether it is about another manifest of its index, and no image itself."""
        unknown = self.platform is not None and not self.platform.known
        return unknown or _REFERENCE_TYPE in self.annotations


@dataclass(frozen=True, slots=True)
class Index:
    """An image index: a manifest for each platform, and attestations of them."""

    manifests: tuple[Descriptor, ...]
    media_type: str = INDEX
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, content: bytes) -> Index:
        """Read an index of the OCI's or of Docker's. Raises ValueError."""
        fields = _object(json.loads(content))
        listed = tuple(map(Descriptor.parse, _list(fields.get("manifests"))))
        kind = str(fields.get("mediaType", INDEX))
        return cls(listed, kind, _texts(fields.get("annotations")))

    def to_bytes(self) -> bytes:
        """Return the index as BuildKit writes it: of equal images, whoever puts them together.

        That is Go's json.MarshalIndent (moby/buildkit, exporter/containerimage/writer.go).
        """
        manifests = [manifest.to_json() for manifest in self.manifests]
        value = {"schemaVersion": 2, "mediaType": self.media_type, "manifests": manifests}
        if self.annotations:
            value["annotations"] = dict(sorted(self.annotations.items()))
        text = json.dumps(value, indent=2, ensure_ascii=False)
        return _GO_ESCAPES.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()

    @property
    def images(self) -> tuple[Descriptor, ...]:
        """The manifests of images, without the attestations."""
        return tuple(each for each in self.manifests if not each.is_attestation)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The image of one platform: its configuration, and its layers from the lowest.

    ``artifact_type`` and ``subject``: of an artifact that is no image.
    """

    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ""
    subject: Descriptor | None = None

    @classmethod
    def parse(cls, content: bytes) -> Manifest:
        """Read a manifest. Raises ValueError."""
        fields = _object(json.loads(content))
        layers = tuple(map(Descriptor.parse, _list(fields.get("layers"))))
        config = Descriptor.parse(fields.get("config"))
        subject = fields.get("subject")
        return cls(
            config,
            layers,
            _texts(fields.get("annotations")),
            str(fields.get("artifactType", "")),
            None if subject is None else Descriptor.parse(subject),
        )

    def to_bytes(self) -> bytes:
        """Return the manifest as it is stored."""
        value = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.config.to_json(),
            "layers": [layer.to_json() for layer in self.layers],
            "annotations": dict(self.annotations),
        }
        if self.artifact_type:
            value["artifactType"] = self.artifact_type
        if self.subject:
            value["subject"] = self.subject.to_json()
        return to_bytes(value)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration of an image: ``process`` is what containers are started with.

    ``diff_ids``: digests of the layers without compression; ``history``: as in the file.
    """

    platform: Platform
    process: Mapping[str, Any] = field(default_factory=dict)
    diff_ids: tuple[str, ...] = ()
    created: str = ""
    history: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def parse(cls, content: bytes) -> Configuration:
        """Read a configuration. Raises ValueError."""
        fields = _object(json.loads(content))
        return cls(
            Platform.of(fields),
            _object(fields.get("config") or {}),
            tuple(map(str, _list(_object(fields.get("rootfs") or {}).get("diff_ids") or []))),
            str(fields.get("created", "")),
            tuple(map(_object, _list(fields.get("history") or []))),
        )

    def to_bytes(self) -> bytes:
        """Return the configuration as it is stored."""
        return to_bytes(
            {
                **self.platform.to_json(),
                "created": self.created,
                "config": dict(self.process),
                "rootfs": {"type": "layers", "diff_ids": list(self.diff_ids)},
                "history": [dict(each) for each in self.history],
            }
        )


def is_index(content: bytes) -> bool:
    """Tell whether ``content`` is an index, and not a manifest. Raises ValueError."""
    fields = _object(json.loads(content))
    return fields.get("mediaType") in (INDEX, DOCKER_INDEX) or "manifests" in fields


def to_bytes(value: object) -> bytes:
    """Return ``value`` as JSON, in the one form that equal values have."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    return value


def _texts(value: object) -> dict[str, str]:
    return {str(key): str(item) for key, item in _object(value or {}).items()}
