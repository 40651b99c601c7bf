"""A bill of materials as SPDX 2.3: equal input, equal bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime

from spdx_tools.spdx.model.actor import Actor, ActorType
from spdx_tools.spdx.model.checksum import Checksum, ChecksumAlgorithm
from spdx_tools.spdx.model.document import CreationInfo, Document
from spdx_tools.spdx.model.package import (
    ExternalPackageRef,
    ExternalPackageRefCategory,
    Package,
    PackagePurpose,
)
from spdx_tools.spdx.model.relationship import Relationship, RelationshipType
from spdx_tools.spdx.model.spdx_no_assertion import SpdxNoAssertion
from spdx_tools.spdx.writer.json.json_writer import write_document_to_stream

from nox_buildkit.release.sbom.components import Component, Subject

_DOCUMENT = "SPDXRef-DOCUMENT"
_IMAGE = "SPDXRef-Image"


def document(subject: Subject, components: Sequence[Component]) -> bytes:
    """Return the document about ``subject``, which consists of ``components``.

    Raises ValueError if the library finds it invalid.
    """
    listed = sorted(set(components))
    packages = [_package(f"SPDXRef-Package-{n}", each) for n, each in enumerate(listed)]
    relations = [Relationship(_DOCUMENT, RelationshipType.DESCRIBES, _IMAGE)]
    relations += [Relationship(_IMAGE, RelationshipType.CONTAINS, p.spdx_id) for p in packages]
    info = CreationInfo(
        spdx_version="SPDX-2.3",
        spdx_id=_DOCUMENT,
        name=f"{subject.name} {subject.platform}",
        document_namespace=f"https://spdx.org/spdxdocs/{subject.name}-{subject.digest[7:]}",
        creators=[Actor(ActorType.TOOL, "nox-buildkit")],
        created=datetime.fromtimestamp(subject.created, UTC).replace(tzinfo=None),
    )
    stream = io.StringIO()
    content = Document(info, [_image(subject), *packages], relationships=relations)
    write_document_to_stream(content, stream, validate=True)
    return stream.getvalue().encode()


def _image(subject: Subject) -> Package:
    return Package(
        spdx_id=_IMAGE,
        name=subject.name,
        version=subject.version or subject.digest,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        primary_package_purpose=PackagePurpose.CONTAINER,
        external_references=[_reference(subject.purl)],
        checksums=[Checksum(ChecksumAlgorithm.SHA256, subject.digest.removeprefix("sha256:"))],
    )


def _package(name: str, component: Component) -> Package:
    checksums = [Checksum(ChecksumAlgorithm.SHA256, component.sha256)] if component.sha256 else []
    return Package(
        spdx_id=name,
        name=component.name,
        version=component.version or None,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        checksums=checksums,
        external_references=[_reference(component.purl)],
    )


def _reference(purl: str) -> ExternalPackageRef:
    return ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", purl)
