"""nox -s doctor: what the registries of the spec take, and what follows from it."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from nox_buildkit.build.options import Selection
from nox_buildkit.build.project import open_project
from nox_buildkit.build.releasing import repositories
from nox_buildkit.errors import EngineError, NoxBuildkitError
from nox_buildkit.oci.references import ImageReference
from nox_buildkit.plan.tags import repositories_of
from nox_buildkit.release.probe import RegistryTraits, traits_of
from nox_buildkit.report.console import downloads


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Probe each registry once a day. Raises EngineError if one cannot be probed."""
    project = open_project(buildspec, Selection(overrides=tuple(arguments.set)))
    spec = project.spec
    names = [
        repository
        for image in project.images
        for repository in repositories_of(image, spec.images[image].repositories, spec.registry)
    ]
    places = {ImageReference.parse(name).registry: name for name in reversed(names)}
    found: list[RegistryTraits] = []
    problems: list[NoxBuildkitError] = []
    with downloads() as report:
        open_repository = repositories(report)
        for name in places.values():
            try:
                found.append(traits_of(open_repository(name)))
            except NoxBuildkitError as error:
                problems.append(error)
    if arguments.json:
        print(json.dumps({"registries": [{**asdict(t), "form": t.form} for t in found]}))
    else:
        for traits in found:
            for line in _lines(traits):
                print(line)
        if not names:
            print("the spec names no registry")
    if problems:
        raise EngineError(*(problem for error in problems for problem in error.problems))


def _lines(traits: RegistryTraits) -> list[str]:
    verdicts = (
        ("manifests without a tag", traits.by_digest, "a release needs them"),
        ("artifacts with an empty configuration", traits.empty_config, ""),
        ("artifacts about what is not there yet", traits.dangling_subject, ""),
        ("blobs of other repositories, without an upload", traits.mounts, ""),
        ("referrers API", traits.referrers, "signatures are found by tags that cosign writes"),
    )
    rows = [f"registry {traits.registry}"]
    for what, takes, without in verdicts:
        rows.append(f"  {'yes' if takes else 'no ':3}  {what}{f': {without}' * (not takes)}")
    return [*rows, f"  attestations have the form '{traits.form}'"]
