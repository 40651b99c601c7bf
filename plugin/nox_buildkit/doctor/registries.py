"""Registries of the spec, probed as a release probes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial

from nox_buildkit.build.project import Project
from nox_buildkit.doctor.checks import Check
from nox_buildkit.doctor.finding import Finding
from nox_buildkit.oci.references import ImageReference
from nox_buildkit.progress import SILENT
from nox_buildkit.release.http_repository import repositories
from nox_buildkit.release.probe import RegistryTraits, traits_of

CHECK = "registry"


def registry_checks(project: Project) -> Iterator[Check]:
    """Yield a check for each registry that images are published in."""
    places = _places(project)
    for registry, repository in places.items():
        mends = f"check that {registry} is reached from here: `curl -v https://{registry}/v2/`"
        yield Check(CHECK, partial(_probed, repository), mends=mends)
    if not places:
        nothing = Finding(CHECK, "ok", "the spec names none")
        yield Check(CHECK, lambda: [nothing])


def _places(project: Project) -> Mapping[str, str]:
    """Return a repository of each registry."""
    spec = project.spec
    names = [repository for image in project.images for repository in spec.repositories_of(image)]
    return {ImageReference.parse(name).registry: name for name in reversed(names)}


def _probed(repository: str) -> Iterator[Finding]:
    yield judge_registry(traits_of(repositories(SILENT)(repository)))


def judge_registry(traits: RegistryTraits) -> Finding:
    """Return the verdict on a registry that takes what is written to it."""
    facts = {**asdict(traits), "form": traits.form}
    lacks = [
        what
        for what, takes in (
            ("artifacts with an empty configuration", traits.empty_config),
            ("artifacts about what is not there yet", traits.dangling_subject),
            ("blobs of other repositories without an upload", traits.mounts),
            ("the referrers API", traits.referrers),
        )
        if not takes
    ]
    without = f", does without {', '.join(lacks)}" if lacks else ""
    told = f"{traits.registry} lets images be pushed{without}; form of attestations: {traits.form}"
    if traits.by_digest:
        return Finding(CHECK, "ok", told, facts=facts)
    message = f"{traits.registry} takes no manifest without a tag, which `nox -s release` needs"
    return Finding(CHECK, "warning", message, "publish with `nox -s push`", facts)
