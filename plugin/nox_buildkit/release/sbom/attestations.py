"""Attestations in the index of an image, in the form that BuildKit writes and buildx reads.

Sources: in-toto attestation framework, spec/v1/statement.md; moby/buildkit,
docs/attestations/attestation-storage.md. An entry of the index that is an attestation has the
platform ``unknown/unknown``: clients that look for theirs pass over it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from nox_buildkit.oci.content import (
    CONFIG,
    EMPTY,
    MANIFEST,
    Configuration,
    Descriptor,
    Index,
    Manifest,
    to_bytes,
)
from nox_buildkit.oci.layout import Layout
from nox_buildkit.oci.platform import Platform

#: ``image``: with an image's configuration; ``oci-artifact``: an artifact that names its subject.
Form = Literal["image", "oci-artifact"]

STATEMENT = "application/vnd.in-toto+json"
SPDX = "https://spdx.dev/Document"
_ARTIFACT = "application/vnd.docker.attestation.manifest.v1+json"
_PREDICATE = "in-toto.io/predicate-type"
_NOWHERE = Platform("unknown", "unknown")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement about images by name; ``predicate``: a JSON value of ``predicate_type``."""

    predicate_type: str
    predicate: Any

    def to_bytes(self, name: str, digest: str, form: Form) -> bytes:
        """Return the statement about the image ``digest``."""
        version = "v1" if form == "oci-artifact" else "v0.1"
        algorithm, _, value = digest.partition(":")
        return to_bytes(
            {
                "_type": f"https://in-toto.io/Statement/{version}",
                "subject": [{"name": name, "digest": {algorithm: value}}],
                "predicateType": self.predicate_type,
                "predicate": self.predicate,
            }
        )


def attach(
    layout: Layout,
    digest: str,
    statements: Mapping[str, tuple[str, Statement]],
    form: Form,
    annotations: Mapping[str, str],
) -> str:
    """Write an index with ``statements`` and ``annotations`` into ``layout``; return its digest.

    ``statements``: digest of a platform's manifest → name of the image, statement. What the index
    ``digest`` has already stays in it.
    """
    index = layout.index(digest)
    entries = list(index.manifests)
    for image in index.images:
        if image.digest in statements:
            name, statement = statements[image.digest]
            entries.append(_attestation(layout, image, name, statement, form))
    whole = Index(tuple(entries), index.media_type, {**index.annotations, **annotations})
    return layout.write(index.media_type, whole.to_bytes()).digest


def _attestation(
    layout: Layout, image: Descriptor, name: str, statement: Statement, form: Form
) -> Descriptor:
    content = statement.to_bytes(name, image.digest, form)
    blob = replace(
        layout.write(STATEMENT, content), annotations={_PREDICATE: statement.predicate_type}
    )
    if form == "oci-artifact":
        subject = replace(image, platform=None, annotations={})
        config = layout.write(EMPTY, b"{}")
        manifest = Manifest(config, (blob,), {}, _ARTIFACT, subject)
    else:
        configuration = Configuration(_NOWHERE, {}, (blob.digest,))
        config = layout.write(CONFIG, configuration.to_bytes())
        manifest = Manifest(config, (blob,))
    about = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": image.digest,
    }
    entry = layout.write(MANIFEST, manifest.to_bytes())
    return replace(entry, platform=_NOWHERE, annotations=about)
