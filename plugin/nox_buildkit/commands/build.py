"""nox -s build: plan, bake, dist/IMAGE.oci.tar and dist/build.json."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from nox_buildkit import observation
from nox_buildkit.build.options import BuildOptions, Selection
from nox_buildkit.build.planning import (
    plan_build,
    record_results,
    require_repositories,
    require_tags,
    unchanged,
)
from nox_buildkit.build.project import Project, open_project
from nox_buildkit.plan.plan import Plan
from nox_buildkit.report.ci import show_results
from nox_buildkit.report.console import downloads, say
from nox_buildkit.results import record
from nox_buildkit.results.model import ImageResult


def run(buildspec: Path, arguments: argparse.Namespace) -> bool:
    """Build what changed; return whether that was nothing. Raises NoxBuildkitError.

    The caller keeps other builds of the project away.
    """
    plan, results = _run(buildspec, Selection.of(arguments), BuildOptions.of(arguments))
    if arguments.json:
        from nox_buildkit.documents.records import results_document  # noqa: PLC0415 - as below
        from nox_buildkit.report.json_output import print_json  # noqa: PLC0415

        print_json(results_document(plan, results))
    return all(result.up_to_date for result in results)


def _run(
    buildspec: Path, selection: Selection, options: BuildOptions
) -> tuple[Plan, Sequence[ImageResult]]:
    project = open_project(buildspec, selection)
    plan = plan_build(project, options)
    if options.load:
        require_tags(plan)
    if options.push_by_digest:
        return plan, _push_by_digest(project, plan, options)
    again = options.no_cache or options.load
    results = {} if again else unchanged(plan, options.output)
    stale = plan.without(results)
    if stale.images:
        observation.give_up()
        # Only whoever builds needs all of this.
        from nox_buildkit.build.output_folder import git_hint  # noqa: PLC0415
        from nox_buildkit.build.pipeline import build_images  # noqa: PLC0415

        results |= build_images(project, stale, options, "store" if options.load else None)
        made = [results[image.name] for image in plan.images]
        record_results(options.output / record.BUILD, plan, made)
        if hint := git_hint(options.output):
            say(hint)
    ordered = [results[image.name] for image in plan.images]
    show_results(ordered)
    for result in ordered:
        if not result.up_to_date:
            say(f"{result.output}: {', '.join(result.tags)}")
    return plan, ordered


def _push_by_digest(project: Project, plan: Plan, options: BuildOptions) -> Sequence[ImageResult]:
    from nox_buildkit.build.matrix_results import push_by_digest  # noqa: PLC0415 - as above

    observation.give_up()
    require_repositories(project, plan)
    with downloads() as report:
        results = push_by_digest(project, plan, options, report)
    show_results(results)
    for result in results:
        for each in result.publications:
            say(f"{each.repository}@{each.digest} pushed, without a tag")
    return results
