"""nox -s build: plan, bake, dist/IMAGE.oci.tar and dist/build.json."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nox_buildkit.build.matrix_results import push_by_digest
from nox_buildkit.build.options import BuildOptions, Selection
from nox_buildkit.build.pipeline import build_images, plan_build, record_results, unchanged
from nox_buildkit.build.project import Project, open_project
from nox_buildkit.build.project_folder import exclusively, kept_for
from nox_buildkit.build.releasing import require_repositories, require_tags
from nox_buildkit.engine.buildkit import Needs
from nox_buildkit.engine.find import find_engine
from nox_buildkit.engine.suitable import only_platform
from nox_buildkit.files import private_dir, real_path
from nox_buildkit.plan.plan import Plan
from nox_buildkit.report.ci import show_results
from nox_buildkit.report.console import downloads, say
from nox_buildkit.results import record
from nox_buildkit.results.model import ImageResult


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Build what changed; say so of what did not. Raises NoxBuildkitError."""
    with exclusively(buildspec):
        _run(buildspec, Selection.of(arguments), BuildOptions.of(arguments))


def _run(buildspec: Path, selection: Selection, options: BuildOptions) -> None:
    project = open_project(buildspec, selection)
    plan = plan_build(project, options)
    if options.load:
        require_tags(plan)
    if options.push_by_digest:
        _push_by_digest(project, plan, options)
        return
    only = _only_platform(project, plan) if options.load else None
    whole = options.load and only is None
    results = {} if options.no_cache or whole else unchanged(plan, options.output)
    stale = plan.without(results)
    if stale.images:
        results |= build_images(project, stale, options, "store" if whole else None)
        made = [results[image.name] for image in plan.images]
        record_results(options.output / record.BUILD, plan, made)
    _tell([results[image.name] for image in plan.images], time.monotonic() - project.began)
    if only:
        _load(buildspec, selection, options, only)


def _only_platform(project: Project, plan: Plan) -> str | None:
    """Return the platform to load where the image store takes no index; None where it takes all."""
    if len(plan.platforms) == 1:
        return None
    needs = Needs(plan.platforms, plan.emulated, load=True)
    with downloads() as report:
        engine = find_engine(needs, project.builder, report)
    # What several nodes have in common is told by the build.
    if engine.driver == "docker" or engine.nodes > 1:
        return None
    own = only_platform(engine.client)
    return own if own is None or own in plan.platforms else min(plan.platforms)


def _load(buildspec: Path, selection: Selection, options: BuildOptions, platform: str) -> None:
    """Put one platform of what was built into the image store: every step is cached."""
    project = open_project(buildspec, replace(selection, platforms=(platform,)))
    # Not the output folder: what is there is of all platforms.
    output = private_dir(kept_for(real_path(buildspec.parent), "run"))
    alone = replace(options, output=output, no_cache=False, export_cache=False)
    build_images(project, plan_build(project, alone), alone, "store")
    say(f"loaded for {platform} alone: the image store of this dockerd has no images of several")


def _push_by_digest(project: Project, plan: Plan, options: BuildOptions) -> None:
    require_repositories(project, plan)
    with downloads() as report:
        results = push_by_digest(project, plan, options, report)
    show_results(results)
    for result in results:
        for each in result.publications:
            say(f"{each.repository}@{each.digest} pushed, without a tag")


def _tell(results: Sequence[ImageResult], seconds: float) -> None:
    show_results(results)
    if all(result.up_to_date for result in results):
        say(f"nothing changed: nothing was built or written ({seconds:.1f} s)")
        return
    for result in results:
        if not result.up_to_date:
            say(f"{result.output}: {', '.join(result.tags)}")
