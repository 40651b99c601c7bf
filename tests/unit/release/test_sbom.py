"""Bills of materials: valid by the rules of their formats, and equal for equal input."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from nox_buildkit.oci.image_writer import PlatformImage, write_images
from nox_buildkit.oci.layout import Layout
from nox_buildkit.plan.packages import Package
from nox_buildkit.release.sbom import cyclonedx, spdx
from nox_buildkit.release.sbom.attestations import SPDX, Form, Statement, attach
from nox_buildkit.release.sbom.components import (
    Subject,
    debian_components,
    is_status,
    python_components,
)

SUBJECT = Subject("api", "1.2.3", "linux/arm64", "sha256:" + "ab" * 32, 1_700_000_000)
STATUS = b"""\
Package: libc6
Status: install ok installed
Architecture: arm64
Source: glibc
Version: 2.41-12
Description: GNU C Library
 with a second line

Package: libxml2
Status: install ok installed
Architecture: arm64
Source: libxml2-source (2.9.14+dfsg-1)
Version: 2.9.14+dfsg-1+b1

Package: tzdata
Status: install ok installed
Architecture: all
Version: 2025b-4

Package: gone
Status: deinstall ok config-files
Version: 1
"""
PACKAGES = (
    Package("fastapi", "0.115.0", "pure", "fastapi-0.115.0-py3-none-any.whl", "cd" * 32),
    Package("own", "", "pure", "own.whl", "ef" * 32),
)
COMPONENTS = [
    *python_components(PACKAGES),
    *debian_components({"/var/lib/dpkg/status": STATUS}, ("debian", "13")),
]


def test_components_have_package_urls() -> None:
    assert [each.purl for each in COMPONENTS] == [
        "pkg:pypi/fastapi@0.115.0",
        "pkg:pypi/own",
        "pkg:deb/debian/libc6@2.41-12?arch=arm64&distro=debian-13&upstream=glibc",
        "pkg:deb/debian/libxml2@2.9.14%2Bdfsg-1%2Bb1?arch=arm64&distro=debian-13"
        "&upstream=libxml2-source%402.9.14%2Bdfsg-1",
        "pkg:deb/debian/tzdata@2025b-4?arch=all&distro=debian-13",
    ]
    assert is_status("/var/lib/dpkg/status.d/libc6")
    assert not is_status("/var/lib/dpkg/status.d/libc6.md5sums")


def test_cyclonedx_is_valid_and_the_same_for_the_same() -> None:
    # Takes seconds, for which no run of other tests has to wait.
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    made = cyclonedx.document(SUBJECT, COMPONENTS)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made.decode()) is None
    found = json.loads(made)
    assert found["metadata"]["component"]["purl"].startswith("pkg:oci/api@sha256")
    assert {each["purl"] for each in found["components"]} == {each.purl for each in COMPONENTS}
    shuffled = random.Random(1).sample(COMPONENTS, len(COMPONENTS))  # noqa: S311
    assert cyclonedx.document(SUBJECT, shuffled) == made
    assert cyclonedx.document(replace(SUBJECT, digest="sha256:" + "00" * 32), COMPONENTS) != made


def test_spdx_is_valid_and_the_same_for_the_same(tmp_path: Path) -> None:
    made = spdx.document(SUBJECT, COMPONENTS)
    file = tmp_path / "sbom.spdx.json"
    file.write_bytes(made)
    assert validate_full_spdx_document(parse_file(str(file))) == []
    references = [
        reference["referenceLocator"]
        for package in json.loads(made)["packages"]
        for reference in package["externalRefs"]
    ]
    assert set(references) == {SUBJECT.purl, *(each.purl for each in COMPONENTS)}
    assert spdx.document(SUBJECT, list(reversed(COMPONENTS))) == made


@pytest.mark.parametrize("form", ["image", "oci-artifact"])
def test_statements_stand_beside_the_images_of_an_index(tmp_path: Path, form: Form) -> None:
    write_images(tmp_path, [PlatformImage(p, ()) for p in ("linux/amd64", "linux/arm64")])
    layout = Layout(tmp_path)
    (top,) = layout.entries()
    images = layout.index(top.digest).images
    statements = {i.digest: ("pkg:oci/api", Statement(SPDX, {"name": "x"})) for i in images}
    annotations = {"org.opencontainers.image.version": "1.2.3"}
    digest = attach(layout, top.digest, statements, form, annotations)
    assert attach(layout, top.digest, statements, form, annotations) == digest

    index = layout.index(digest)
    assert layout.is_whole(digest)
    assert index.images == images
    assert index.annotations == annotations
    for image, entry in zip(images, index.manifests[2:], strict=True):
        assert entry.is_attestation
        assert entry.annotations["vnd.docker.reference.digest"] == image.digest
        manifest = layout.manifest(entry.digest)
        (blob,) = manifest.layers
        assert blob.annotations == {"in-toto.io/predicate-type": SPDX}
        statement = json.loads(layout.read(blob.digest))
        assert statement["subject"][0]["digest"] == {"sha256": image.digest[7:]}
        assert statement["predicate"] == {"name": "x"}
        assert (manifest.subject is not None) == (form == "oci-artifact")
    # Nothing was taken away from what was there.
    assert layout.is_whole(top.digest)
