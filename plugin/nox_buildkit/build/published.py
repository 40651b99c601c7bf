"""Checks of an image that somebody published, by its reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from nox_buildkit.build.attesting import signer_of
from nox_buildkit.build.options import BuildOptions
from nox_buildkit.build.pipeline import build_images
from nox_buildkit.build.project import Project
from nox_buildkit.build.releasing import unpacked
from nox_buildkit.build.verification import expected_of, needles_of
from nox_buildkit.errors import Code, ReleaseError
from nox_buildkit.oci.layout import Layout
from nox_buildkit.oci.references import ImageReference
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.progress import Progress
from nox_buildkit.release.cosign import Cosign, Signer
from nox_buildkit.release.fetch import fetch_index
from nox_buildkit.release.publish import Open
from nox_buildkit.verify.differences import first_difference
from nox_buildkit.verify.image import verify_image

_REVISION = "org.opencontainers.image.revision"


Signature = Literal["good", "missing", "not checked"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of a published image; ``problems``, ``warnings``: sentences; none for a good one.

    ``compared``: whether it was compared with the plan of its commit; ``signature``: of whoever
    signs by the spec, or with the key that was named; ``attestations``: how many are in the index.
    """

    reference: str
    digest: str
    platforms: tuple[str, ...]
    attestations: int
    compared: bool
    signature: Signature
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass
class Published:
    """Looks into published images of a project, or of anybody; ``key``: a public key for both."""

    project: Project
    plan: Plan
    open_repository: Open
    report: Progress
    key: str = ""
    _signers: dict[Signer, Cosign] = field(default_factory=dict)

    def examine(self, text: str, folder: Path) -> tuple[Verdict, Layout]:
        """Download an image into ``folder`` and check it. Raises RegistryError, ReleaseError."""
        reference = ImageReference.parse(text)
        repository = self.open_repository(reference.repository)
        found = repository.resolve(reference.digest or reference.tag or "latest")
        if found is None:
            message = f"there is no image {text}"
            raise ReleaseError(Code.NO_IMAGE(message, "check the name and the tag"))
        layout = Layout(folder)
        index = fetch_index(repository, found.digest, layout)
        image = self.image_of(reference.repository)
        mine = image if image and self._is_of_this_commit(layout, found.digest) else None
        expected = expected_of(self.project.spec, self.plan, mine) if mine else {}
        findings = verify_image(layout, found.digest, expected, needles_of(self.plan))
        problems = [str(each) for each in findings if each.severity == "problem"]
        signature = self._signature(image, f"{repository.name}@{found.digest}")
        if signature == "missing":
            problems.append("it has no signature of whoever signs it by the spec or the key")
        verdict = Verdict(
            text,
            found.digest,
            tuple(str(entry.platform) for entry in index.images),
            sum(entry.is_attestation for entry in index.manifests),
            mine is not None,
            signature,
            tuple(problems),
            tuple(str(each) for each in findings if each.severity == "warning"),
        )
        return verdict, layout

    def image_of(self, repository: str) -> ImagePlan | None:
        """Return the image of the spec that is published in ``repository``."""
        images = self.plan.images
        return next((i for i in images if repository in i.publication.repositories), None)

    def reproduce(self, text: str, verdict: Verdict, layout: Layout, output: Path) -> list[str]:
        """Build the image again without cache; return a sentence for each difference.

        Raises ReleaseError if this is not its commit, and whatever a build raises.
        """
        image = self.image_of(ImageReference.parse(text).repository)
        if image is None or not verdict.compared:
            message = f"{text} is not of the commit that is checked out"
            hint = f"check out the commit that its label {_REVISION} names, without changes"
            raise ReleaseError(Code.DIFFERENCE(message, hint))
        plan = self.plan.without({i.name for i in self.plan.images if i.name != image.name})
        options = BuildOptions(output, no_cache=True, progress="plain")
        result = build_images(self.project, plan, options)[image.name]
        rebuilt = unpacked(self.project, plan, result, output)
        return list(_differences(rebuilt, result.digest, layout, verdict.digest))

    def _is_of_this_commit(self, layout: Layout, digest: str) -> bool:
        own = self.plan.git.revision if self.plan.git and not self.plan.git.dirty else ""
        labels = [
            layout.configuration(manifest).process.get("Labels") or {}
            for _, manifest in layout.images(digest)
        ]
        return bool(own) and all(each.get(_REVISION) == own for each in labels)

    def _signature(self, image: ImagePlan | None, reference: str) -> Signature:
        signer = self._signer(image)
        if signer is None:
            return "not checked"
        return "good" if self._cosign(signer).verifies(reference) else "missing"

    def _signer(self, image: ImagePlan | None) -> Signer | None:
        if self.key:
            return Signer(public_key=self.key)
        stated = self.project.spec.images[image.name].sign if image else None
        return signer_of(stated, self.project.root) if stated else None

    def _cosign(self, signer: Signer) -> Cosign:
        if signer not in self._signers:
            self._signers[signer] = Cosign.find(signer, self.report)
        return self._signers[signer]


def _differences(mine: Layout, digest: str, other: Layout, published: str) -> Sequence[str]:
    here = {str(d.platform): (d, m) for d, m in mine.images(digest)}
    found = []
    for descriptor, manifest in other.images(published):
        platform = str(descriptor.platform)
        if platform not in here:
            found.append(f"{platform}: it is not built")
            continue
        one, own = here[platform]
        if one.digest == descriptor.digest:
            continue
        first = first_difference(mine.layers(own), other.layers(manifest))
        found.append(f"{platform}: {first or 'the layers are equal, the configuration is not'}")
    return found


def with_problems(verdict: Verdict, problems: Sequence[str]) -> Verdict:
    """Return the same verdict with more problems."""
    return replace(verdict, problems=(*verdict.problems, *problems))
