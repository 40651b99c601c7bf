"""nox -s build: plan, bake, dist/IMAGE.oci.tar and dist/build.json."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nox_buildkit.commands.bake import bake, prepare, work_folder
from nox_buildkit.commands.project import (
    Project,
    fresh_sources,
    open_project,
    plan_project,
)
from nox_buildkit.engine import layout
from nox_buildkit.engine.bake import BakeResult
from nox_buildkit.engine.find import find_engine
from nox_buildkit.engine.model import Engine, Needs
from nox_buildkit.files import locked, private_dir, write_atomic
from nox_buildkit.plan.model import ImagePlan, Plan
from nox_buildkit.report.console import choose, downloads, make_console, say
from nox_buildkit.report.summary import (
    ImageResult,
    PlatformResult,
    print_summary,
    to_json,
    untouched,
)

RECORD = "build.json"

WAITING = "waiting for another build of this project"

#: Makes a buildx --output value besides that of dist/.
Destination = Callable[[Engine, ImagePlan], str]


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Build what changed; say so of what did not. Raises BuildkitError."""
    began = time.monotonic()
    project = open_project(buildspec, arguments)
    output = arguments.output.absolute()
    plan = plan_build(project, arguments)
    known = {} if arguments.no_cache or arguments.load else read_record(output)
    results = {
        image.name: result for image in plan.images if (result := _unchanged(image, known, output))
    }
    stale = plan.without(results)
    if stale.images:
        results |= build_images(project, stale, arguments, _load if arguments.load else None)
        write_record(output, plan, [results[image.name] for image in plan.images])
    ordered = [results[image.name] for image in plan.images]
    _tell(ordered, time.monotonic() - began)


def plan_build(project: Project, arguments: argparse.Namespace) -> Plan:
    """The plan of what ``arguments`` ask for, locks and facts brought up to date."""
    with downloads() as report:
        return plan_project(
            project,
            fresh_sources(project, report),
            report,
            exclude=(arguments.output.absolute(),),
            pull=arguments.pull,
        )


def read_record(output: Path, name: str = RECORD) -> dict[str, Any]:
    """What dist/build.json, or another record, says of each image; empty if there is none."""
    try:
        images = json.loads((output / name).read_text())["images"]
        return {key: entry for key, entry in images.items() if untouched(key, entry)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_record(
    output: Path, plan: Plan, results: Sequence[ImageResult], name: str = RECORD
) -> None:
    """Write dist/build.json, or another record; images not asked for keep their entries."""
    record = to_json(results)
    for image in plan.images:
        record["images"][image.name]["plan"] = image.digest
    record["images"] = {**read_record(output, name), **record["images"]}
    write_atomic(output / name, json.dumps(record, indent=2) + "\n")


def _unchanged(image: ImagePlan, known: dict[str, Any], output: Path) -> ImageResult | None:
    """The result of the last build, if it was of the same plan and its file is still there."""
    entry = known.get(image.name, {})
    target = output / f"{image.name}.oci.tar"
    if entry.get("plan") != image.digest or layout.packed_digest(target) != entry.get("digest"):
        return None
    return untouched(image.name, entry)


def build_images(
    project: Project, plan: Plan, arguments: argparse.Namespace, also: Destination | None = None
) -> dict[str, ImageResult]:
    """Bake ``plan`` into --output, and to where ``also`` says; the results by image.

    Raises EngineError, BuildError.
    """
    needs = Needs(plan.platforms, plan.emulated, load=also is _load)
    with downloads() as report:
        engine = find_engine(needs, project.builder, report)
    folder = work_folder(project.root, plan)
    exports = private_dir(folder / "export")
    outputs = {
        image.name: [
            f'type=oci,"dest={exports / image.name}",tar=false,compression=gzip',
            *([also(engine, image)] if also else []),
        ]
        for image in plan.images
    }
    reporter = choose(arguments.progress, verbose=arguments.verbose)
    try:
        with locked(folder / ".lock", lambda: reporter.message(WAITING)):
            prepared = prepare(plan, engine, project.root, outputs, no_cache=arguments.no_cache)
            outcome, digests = bake(prepared, reporter)
            return {
                image.name: _finish(
                    plan,
                    image,
                    exports,
                    digests[image.name],
                    arguments.output.absolute(),
                    outcome=outcome,
                    tell=reporter.message,
                )
                for image in plan.images
            }
    finally:
        reporter.close()


def _finish(
    plan: Plan,
    image: ImagePlan,
    exports: Path,
    digest: str,
    output: Path,
    *,
    outcome: BakeResult,
    tell: Callable[[str], None],
) -> ImageResult:
    folder, target = exports / image.name, output / f"{image.name}.oci.tar"
    platforms = layout.read_platforms(folder, digest, image)
    stacks = {result.platform: plan.stack(image, result.platform) for result in platforms}
    known = (warning for stack in stacks.values() for one in stack for warning in one.warnings)
    warnings = (*dict.fromkeys(known), *_warnings(folder, platforms, image.name, stacks, tell))
    layout.pack(folder, digest, image.references, target)
    layout.sweep(folder, digest)
    counts = [outcome.progress.count(one.name) for one in image.targets]
    return ImageResult(
        name=image.name,
        digest=digest,
        platforms=platforms,
        tags=image.references,
        output=os.path.relpath(target, Path.cwd()),
        cached=sum(count.cached for count in counts),
        executed=sum(count.executed for count in counts),
        seconds=outcome.seconds,
        warnings=warnings,
    )


def _warnings(
    folder: Path,
    platforms: Sequence[PlatformResult],
    name: str,
    stacks: Mapping[str, Sequence[ImagePlan]],
    tell: Callable[[str], None],
) -> Iterator[str]:
    """What of the native packages will not load; ``stacks``: by platform, the images it is of."""
    if not any(one.has_native for stack in stacks.values() for one in stack):
        return
    # Not on the way of a run that finds nothing to do.
    from nox_buildkit.verify.libraries import examine  # noqa: PLC0415
    from nox_buildkit.verify.packages import with_packages  # noqa: PLC0415

    for result in platforms:
        layers, stack = layout.layer_files(folder, result), stacks[result.platform]
        own = sum(len(one.layers) for one in stack)
        found = examine(layers, own, result.platform, stack[0].libc)
        for problem in (*found.problems, *with_packages(found, result.platform, tell)):
            yield f"{name}, {result.platform}: {problem}"


def _load(engine: Engine, image: ImagePlan) -> str:
    names = ",".join(image.references)
    # The docker driver's store takes an index as it is; other drivers send an archive to it.
    kind = "image" if engine.driver == "docker" else "docker"
    return f'type={kind},"name={names}",oci-mediatypes=true'


def _tell(results: Sequence[ImageResult], seconds: float) -> None:
    print_summary(make_console(sys.stderr), results)
    if all(result.up_to_date for result in results):
        say(f"nothing changed: nothing was built or written ({seconds:.1f} s)")
        return
    for result in results:
        if not result.up_to_date:
            say(f"{result.output}: {', '.join(result.tags)}")
