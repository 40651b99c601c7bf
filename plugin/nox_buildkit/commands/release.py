"""nox -s release: build, publish by digest, and move the tags as the last thing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from nox_buildkit.build.options import BuildOptions, Selection
from nox_buildkit.build.planning import plan_build, require_repositories
from nox_buildkit.build.project import open_project
from nox_buildkit.build.releasing import release_images, released_commit
from nox_buildkit.documents.records import results_document
from nox_buildkit.files import write_atomic
from nox_buildkit.plan.plan import Plan
from nox_buildkit.project_folder import exclusively
from nox_buildkit.report.ci import show_results
from nox_buildkit.report.console import downloads, say
from nox_buildkit.report.json_output import print_json
from nox_buildkit.results.model import ImageResult


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Release the images. Raises NoxBuildkitError."""
    with exclusively(buildspec):
        plan, results = _run(buildspec, arguments)
    if arguments.json:
        print_json(results_document(plan, results))


def _run(buildspec: Path, arguments: argparse.Namespace) -> tuple[Plan, Sequence[ImageResult]]:
    project = open_project(buildspec, Selection.of(arguments))
    options = BuildOptions.of(arguments)
    plan = plan_build(project, options)
    require_repositories(project, plan)
    git = released_commit(plan, allow_dirty=arguments.allow_dirty)
    with downloads() as report:
        results = release_images(project, plan, options, git, report)
    tell(results, arguments.image_refs)
    return plan, results


def tell(results: Sequence[ImageResult], references: Path | None) -> None:
    """Print what is published, and which tags name it; write the file of ``references``."""
    if references:
        places = [each for result in results for each in result.publications]
        lines = "".join(f"{each.repository}@{each.digest}\n" for each in places)
        write_atomic(references.absolute(), lines)
    show_results(results)
    for result in results:
        for each in result.publications:
            for tag in each.tags:
                say(f"{each.repository}:{tag}@{each.digest}")
            for tag, why in each.kept:
                say(f"{each.repository}:{tag} stays: {why}")
