"""nox -s push: the tagged multi-platform index, in a registry."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nox_buildkit.build import records
from nox_buildkit.build.baking import BakeError
from nox_buildkit.build.options import BuildOptions, Selection
from nox_buildkit.build.pipeline import build_images, plan_build, record_results
from nox_buildkit.build.project import Project, open_project
from nox_buildkit.build.project_folder import exclusively
from nox_buildkit.build.releasing import require_repositories, require_tags
from nox_buildkit.documents.records import results_document
from nox_buildkit.engine.find import find_client
from nox_buildkit.engine.registry import NotThere, inspect, pushed_digest
from nox_buildkit.errors import BuildError, Code, EngineError, Problem
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.report.ci import show_results
from nox_buildkit.report.console import say
from nox_buildkit.report.json_output import print_json
from nox_buildkit.results import record
from nox_buildkit.results.model import ImageResult

if TYPE_CHECKING:
    from python_on_whales import DockerClient


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
    output = options.output
    known = {} if options.no_cache else records.read(output / record.RELEASE, tell=True)
    results = {
        image.name: last.result
        for image in plan.images
        if (last := known.get(image.name)) and _is_pushed(image, last)
    }
    missing = plan.without(results)
    if missing.images:
        try:
            built = build_images(project, missing, options, "registry")
        except BakeError as error:
            raise BuildError(*error.problems, *_state(missing, error.digests)) from error
        for name in (record.BUILD, record.RELEASE):
            record_results(output / name, missing, list(built.values()))
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


def _is_pushed(image: ImagePlan, last: record.Recorded) -> bool:
    """Tell whether every tag in the registry names the image that was pushed of the same plan."""
    if last.plan != image.digest:
        return False
    client = find_client()
    return all(pushed_digest(client, name) == last.result.digest for name in image.references)


def _state(plan: Plan, digests: Mapping[str, str]) -> Iterator[Problem]:
    """Say which images of a failed push are in the registry, and which are not."""
    found: dict[str, list[str]] = {"published": [], "not published": [], "not known": []}
    client = find_client()
    for image in plan.images:
        for name in image.references:
            digest = digests.get(image.name)
            state = _published(client, name, digest)
            found[state].append(f"{name}@{digest}" if state == "published" else name)
    if not found["published"] and not found["not known"]:
        return
    said = "; ".join(f"{state}: {', '.join(names)}" for state, names in found.items() if names)
    yield Code.UNFINISHED_RELEASE(said, "push again: what is there already is not sent twice")


def _published(client: DockerClient, name: str, digest: str | None) -> str:
    if digest is None:
        return "not published"
    try:
        return "published" if inspect(client, name).digest == digest else "not published"
    except NotThere:
        return "not published"
    except EngineError:
        return "not known"
