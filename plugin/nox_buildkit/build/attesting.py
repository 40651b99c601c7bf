"""Statements and signatures of a release, from the plan, the spec, and what was built."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from nox_buildkit.build.project import Project
from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.signing import Signing
from nox_buildkit.debian.releases import distribution
from nox_buildkit.errors import Code, ReleaseError
from nox_buildkit.files import cache_dir, private_dir, scratch
from nox_buildkit.oci.content import Descriptor, Manifest
from nox_buildkit.oci.file_contents import read_files
from nox_buildkit.oci.layout import Layout
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.progress import Progress
from nox_buildkit.release.cosign import Cosign, Signer
from nox_buildkit.release.probe import traits_of
from nox_buildkit.release.publish import Destination, Open
from nox_buildkit.release.sbom.attestations import SPDX, Form, Statement, attach
from nox_buildkit.release.sbom.components import (
    Component,
    Subject,
    debian_components,
    is_status,
    python_components,
)

_OS_RELEASE = ("/usr/lib/os-release", "/etc/os-release")
_ADDRESS = re.compile(r"[a-z0-9+]+://")


def provenance_modes(spec: BuildSpec, plan: Plan) -> dict[str, str]:
    """Return the mode of the provenance of each image that has one."""
    modes = {image.name: spec.images[image.name].attest.provenance for image in plan.images}
    return {name: mode for name, mode in modes.items() if mode != "none"}


def form_of(image: ImagePlan, stated: Form | None, open_repository: Open) -> Form:
    """Return the form of attestations that all registries of ``image`` take.

    Raises RegistryError.
    """
    if stated:
        return stated
    names = image.publication.repositories
    forms = {traits_of(open_repository(name)).form for name in names}
    return "oci-artifact" if forms == {"oci-artifact"} else "image"


def with_statements(
    spec: BuildSpec, plan: Plan, image: ImagePlan, built: tuple[Layout, str], form: Form
) -> str:
    """Return the digest of the index that is released: with SBOMs and OCI annotations.

    ``built``: the layout and the digest of the index that was built.
    """
    # Nothing of this is needed where nothing is released.
    from nox_buildkit.release.sbom import spdx  # noqa: PLC0415

    layout, digest = built
    attest, statements = spec.images[image.name].attest, {}
    for subject, components in _bills(plan, image, layout, digest) if attest.sbom else ():
        document = json.loads(spdx.document(subject, components))
        statements[subject.digest] = (subject.purl, Statement(SPDX, document))
    annotations = dict(image.config.labels)
    return attach(layout, digest, statements, form, annotations)


def _bills(
    plan: Plan, image: ImagePlan, layout: Layout, digest: str
) -> Iterator[tuple[Subject, list[Component]]]:
    """Yield each platform of an image, and what it consists of."""
    created = int(plan.git.committed.timestamp()) if plan.git else 0
    for descriptor, manifest in layout.images(digest):
        platform, version = str(descriptor.platform), image.publication.version
        subject = Subject(image.name, version, platform, descriptor.digest, created)
        yield subject, _components(image, layout, descriptor, manifest)


def _components(
    image: ImagePlan, layout: Layout, descriptor: Descriptor, manifest: Manifest
) -> list[Component]:
    platform = str(descriptor.platform)
    packages = image.on(platform).packages.of_every_platform().get(platform, ())
    layers = layout.layers(manifest)
    files = read_files(layers, lambda path: is_status(path) or path in _OS_RELEASE)
    release = next((files.pop(path) for path in _OS_RELEASE if path in files), b"")
    files = {path: content for path, content in files.items() if is_status(path)}
    return [*python_components(packages), *debian_components(files, distribution(release))]


@dataclass
class Approver:
    """Signs what was pushed, and attests its SBOM, where the spec names who does it."""

    project: Project
    plan: Plan
    report: Progress
    _programs: dict[Signer, Cosign] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look for the files that are needed, before anything is built. Raises ReleaseError."""
        problems = []
        for image in self.plan.images:
            stated = self.project.spec.images[image.name]
            keys = (stated.sign.key, stated.sign.public_key) if stated.sign else ()
            files = [key for key in keys if key and not _ADDRESS.match(key)]
            for file in (*files, *stated.attest.vex):
                if not (self.project.root / file).is_file():
                    location = self.project.spec.location("images", image.name, "sign")
                    problems.append(
                        Code.ATTESTATION(f"there is no file {file}", "correct it", location)
                    )
        if problems:
            raise ReleaseError(*problems)

    def __call__(self, destination: Destination) -> None:
        """Sign an image in a repository. Raises ReleaseError, EngineError."""
        stated = self.project.spec.images[destination.candidate.image]
        if stated.sign is None:
            return
        signer = signer_of(stated.sign, self.project.root)
        if signer not in self._programs:
            self._programs[signer] = Cosign.find(signer, self.report)
        cosign = self._programs[signer]
        self.report.message(f"signing {destination.reference}")
        cosign.sign(destination.reference)
        if stated.attest.sbom:
            self._attest(cosign, destination)
        for file in stated.attest.vex:
            cosign.attest(destination.reference, "openvex", self.project.root / file)

    def _attest(self, cosign: Cosign, destination: Destination) -> None:
        from nox_buildkit.release.sbom import cyclonedx  # noqa: PLC0415

        candidate = destination.candidate
        image = next(each for each in self.plan.images if each.name == candidate.image)
        bills = _bills(self.plan, image, candidate.layout, candidate.digest)
        with scratch(private_dir(cache_dir() / "cosign"), "sbom-") as folder:
            for subject, components in bills:
                file = Path(folder, "sbom.cdx.json")
                file.write_bytes(cyclonedx.document(subject, components))
                reference = f"{destination.repository.name}@{subject.digest}"
                cosign.attest(reference, "cyclonedx", file)


def signer_of(stated: Signing, root: Path) -> Signer:
    """Return who signs by the spec, whose files are relative to ``root``."""
    place = partial(_place, root)
    return Signer(
        key=place(stated.key),
        public_key=place(stated.public_key),
        identity=stated.identity or "",
        issuer=stated.issuer or "",
        logged=stated.transparency_log or not stated.key,
    )


def _place(root: Path, key: str | None) -> str:
    """Return a key as cosign takes it: files are relative to the spec."""
    if not key:
        return ""
    return key if _ADDRESS.match(key) else str(root / key)
