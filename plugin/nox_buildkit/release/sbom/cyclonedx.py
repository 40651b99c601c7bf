"""A bill of materials as CycloneDX 1.6: equal input, equal bytes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component as Part
from cyclonedx.model.component import ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from nox_buildkit.release.sbom.components import Component, Subject

_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


def document(subject: Subject, components: Sequence[Component]) -> bytes:
    """Return the document about ``subject``, which consists of ``components``."""
    image = Part(
        name=subject.name,
        version=subject.version or subject.digest,
        type=ComponentType.CONTAINER,
        bom_ref=subject.purl,
        purl=PackageURL.from_string(subject.purl),
    )
    bom = Bom(serial_number=uuid.uuid5(_NAMESPACE, subject.purl))
    bom.metadata.timestamp = datetime.fromtimestamp(subject.created, UTC)
    bom.metadata.component = image
    bom.metadata.tools.components.add(Part(name="nox-buildkit", type=ComponentType.APPLICATION))
    parts = [_part(component) for component in sorted(set(components))]
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(image, parts)
    return JsonV1Dot6(bom).output_as_string(indent=2).encode()


def _part(component: Component) -> Part:
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=component.sha256)]
    return Part(
        name=component.name,
        version=component.version,
        type=ComponentType.LIBRARY,
        bom_ref=component.purl,
        purl=PackageURL.from_string(component.purl),
        hashes=hashes if component.sha256 else (),
    )
