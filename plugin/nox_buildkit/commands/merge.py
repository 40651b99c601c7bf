"""nox -s merge: one release of what the runners of a CI matrix pushed by digest."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from nox_buildkit.build.matrix_results import merged
from nox_buildkit.build.options import BuildOptions, Selection
from nox_buildkit.build.planning import plan_build, require_repositories
from nox_buildkit.build.project import open_project
from nox_buildkit.build.releasing import Release, released_commit
from nox_buildkit.commands.release import tell
from nox_buildkit.documents.records import results_document
from nox_buildkit.files import scratch
from nox_buildkit.plan.plan import Plan
from nox_buildkit.project_folder import exclusively, kept_for
from nox_buildkit.report.console import downloads
from nox_buildkit.report.json_output import print_json
from nox_buildkit.results.model import ImageResult


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Release the images that the result files tell of. Raises NoxBuildkitError."""
    with exclusively(buildspec):
        plan, results = _run(buildspec, arguments)
    if arguments.json:
        print_json(results_document(plan, results))


def _run(buildspec: Path, arguments: argparse.Namespace) -> tuple[Plan, Sequence[ImageResult]]:
    selection = Selection(
        images=tuple(arguments.image),
        overrides=tuple(arguments.set),
        builder=arguments.builder,
    )
    project = open_project(buildspec, selection)
    output = arguments.output.absolute()
    plan = plan_build(project, BuildOptions(output), builds=False)
    require_repositories(project, plan)
    git = released_commit(plan, allow_dirty=arguments.allow_dirty)
    with downloads() as report, scratch(kept_for(project.root), "merge-") as folder:
        release = Release(project, plan, output, git, report)
        release.require_something()
        results, layouts = merged(project, plan, arguments.results, folder, report)
        published = release.publish(results, layouts)
    tell(published, arguments.image_refs)
    return plan, published
