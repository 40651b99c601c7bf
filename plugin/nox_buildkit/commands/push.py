"""nox -s push: the tagged multi-platform index, in a registry."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from nox_buildkit.build import records
from nox_buildkit.build.options import BuildOptions, Selection
from nox_buildkit.build.planning import (
    plan_build,
    record_results,
    require_repositories,
    require_tags,
)
from nox_buildkit.build.project import Project, open_project
from nox_buildkit.documents.records import results_document
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.progress import SILENT
from nox_buildkit.project_folder import exclusively
from nox_buildkit.report.ci import show_results
from nox_buildkit.report.console import say
from nox_buildkit.report.json_output import print_json
from nox_buildkit.results import record
from nox_buildkit.results.model import ImageResult


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Push what the registry does not have yet. Raises NoxBuildkitError."""
    with exclusively(buildspec):
        plan, results = _run(buildspec, Selection.of(arguments), BuildOptions.of(arguments))
    if arguments.json:
        print_json(results_document(plan, results))


def _run(
    buildspec: Path, selection: Selection, options: BuildOptions
) -> tuple[Plan, Sequence[ImageResult]]:
    project = open_project(buildspec, selection)
    plan = plan_build(project, options)
    require_repositories(project, plan)
    require_tags(plan)
    results = {} if options.no_cache else _pushed(plan, options.output)
    missing = plan.without(results)
    if missing.images:
        # Only whoever builds needs all of this.
        from nox_buildkit.build.pipeline import build_images  # noqa: PLC0415

        built = build_images(project, missing, options, "registry")
        record_results(options.output / record.RELEASE, missing, list(built.values()))
        results |= built
    ordered = [results[image.name] for image in plan.images]
    for image in plan.images:
        _tell_what_is_left_out(project, image)
    show_results(ordered)
    for result in ordered:
        state = "is there already" if result.up_to_date else "pushed"
        for tag in result.tags:
            say(f"{tag}@{result.digest} {state}")
    return plan, ordered


def _tell_what_is_left_out(project: Project, image: ImagePlan) -> None:
    every = project.spec.images[image.name].platforms
    if left := [platform for platform in every if platform not in image.every_platform]:
        tags = ", ".join(image.references)
        say(f"warning: {tags}: without {' and '.join(left)} now")


def _pushed(plan: Plan, output: Path) -> dict[str, ImageResult]:
    """Return the results of the last push of the same plans that every tag still names."""
    known = records.read(output / record.RELEASE, tell=True)
    same = [
        (image, found.result)
        for image in plan.images
        if (found := known.get(image.name)) and found.plan == image.digest
    ]
    if not same:
        return {}
    # Where something is built first, an HTTP client is imported meanwhile.
    from nox_buildkit.build.pushing import are_set, tags_of  # noqa: PLC0415
    from nox_buildkit.release.http_repository import repositories  # noqa: PLC0415

    open_repository = repositories(SILENT)
    return {
        image.name: result
        for image, result in same
        if are_set(tags_of(image, result.digest, open_repository))
    }
