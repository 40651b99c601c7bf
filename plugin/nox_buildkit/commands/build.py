"""nox -s build: plan, bake, dist/IMAGE.oci.tar and dist/build.json."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nox_buildkit.build import records
from nox_buildkit.build.archive import is_archive
from nox_buildkit.build.baking import Bake, bake, prepared, work_folder
from nox_buildkit.build.compile_hints import wheel_hints
from nox_buildkit.build.destination import require_room, require_writable
from nox_buildkit.build.exported import Exported, Place, require_planned
from nox_buildkit.build.project import (
    Project,
    exclusively,
    fresh_sources,
    open_project,
    plan_project,
)
from nox_buildkit.buildspec.model.targets import Target, targets_of
from nox_buildkit.engine.bake import BakeResult
from nox_buildkit.engine.buildkit import Engine, Needs
from nox_buildkit.engine.find import find_engine
from nox_buildkit.errors import BuildError, EngineError, Location, Problem
from nox_buildkit.files import private_dir, remove
from nox_buildkit.oci.layout import Layout
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.report.console import Reporter, choose, downloads, make_console, say
from nox_buildkit.report.summary import print_summary
from nox_buildkit.results import record
from nox_buildkit.results.model import ImageResult


@dataclass(frozen=True, slots=True)
class Destination:
    """Where images go besides dist/. ``option``: its buildx --output value; ``done``: in a word."""

    option: Callable[[Engine, ImagePlan], str]
    done: str


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Build what changed; say so of what did not. Raises NoxBuildkitError."""
    with exclusively(buildspec):
        _run(buildspec, arguments)


def _run(buildspec: Path, arguments: argparse.Namespace) -> None:
    project = open_project(buildspec, arguments)
    output = arguments.output.absolute()
    plan = plan_build(project, arguments)
    results = {} if arguments.no_cache or arguments.load else _unchanged(plan, output)
    stale = plan.without(results)
    if stale.images:
        also = _LOAD if arguments.load else None
        results |= build_images(project, stale, arguments, also)
        record_results(output / record.BUILD, plan, [results[i.name] for i in plan.images])
    ordered = [results[image.name] for image in plan.images]
    _tell(ordered, time.monotonic() - project.began)


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


def _unchanged(plan: Plan, output: Path) -> dict[str, ImageResult]:
    """What the last build made of the same plans, and is still there as it was made."""
    known = records.read(output / record.BUILD, tell=True)
    return {
        image.name: last.result
        for image in plan.images
        if (last := known.get(image.name))
        and last.plan == image.digest
        and is_archive(output / f"{image.name}.oci.tar", last.result.archive)
    }


def record_results(path: Path, plan: Plan, results: Sequence[ImageResult]) -> None:
    """Write ``results`` of ``plan`` to the record ``path``."""
    records.write(path, results, {image.name: image.digest for image in plan.images})


def build_images(
    project: Project, plan: Plan, arguments: argparse.Namespace, also: Destination | None = None
) -> dict[str, ImageResult]:
    """Bake ``plan`` into --output, and to where ``also`` says; the results by image.

    Raises EngineError, BuildError; nothing in --output has changed then.
    """
    output = arguments.output.absolute()
    folder = work_folder(project.root, plan)
    exports = private_dir(folder / "export")
    require_writable(output)
    require_room(plan, output, exports)
    needs = Needs(plan.platforms, plan.emulated, load=also is _LOAD)
    with downloads() as report:
        engine = find_engine(needs, project.builder, report)
    _require_native(engine, plan)
    outputs = {
        image.name: [
            f'type=oci,"dest={exports / image.name}",tar=false,compression=gzip',
            *([also.option(engine, image)] if also else []),
        ]
        for image in plan.images
    }
    reporter = choose(arguments.progress, verbose=arguments.verbose)
    try:
        no_cache = arguments.no_cache
        with prepared(plan, engine, project.root, outputs, no_cache=no_cache) as ready:
            outcome, digests = _bake(ready, exports, reporter)
        for notice in outcome.notices():
            reporter.message(notice)
        locate = _locator(project, plan)
        made = [Exported(plan, i, exports, digests[i.name], locate) for i in plan.images]
        require_planned(made, also.done if also else "")
        results = [one.finish(output, reporter.message, outcome.progress) for one in made]
        # Locks and bases take their time, too, and people wait for all of it.
        seconds = time.monotonic() - project.began
        return {one.name: replace(one, seconds=seconds) for one in results}
    except BuildError as error:
        raise error.placed(_places(project, plan)).hinted(
            wheel_hints(project, plan, error)
        ) from None
    finally:
        reporter.close()


def _require_native(engine: Engine, plan: Plan) -> None:
    """Raise EngineError if steps would run on another platform than they were planned for."""
    if any(target.application.steps for target in plan.targets) and not set(engine.native) <= set(
        plan.native
    ):
        planned, here = ", ".join(plan.native), ", ".join(engine.native)
        message = (
            f"steps were planned for a builder on {planned}, and {engine.builder} is on {here}"
        )
        raise EngineError(Problem(message, "name a builder that can do the build: --builder NAME"))


def _places(project: Project, plan: Plan) -> dict[str, Location]:
    """Return where the spec names Debian packages and users that stages of ``plan`` add."""
    images = plan.every_image
    targets = [t for image in images for t in targets_of(project.spec, image.name)]
    keys = ("apt", "build-apt", "steps-apt")
    places = {k: v for t in targets for key in keys for k, v in t.locations(key).items()}
    return places | {t.account: at for t in targets if t.account and (at := t.location("user"))}


def _locator(project: Project, plan: Plan) -> Callable[[ImagePlan, Place], Location | None]:
    """Return what finds the place of a key of an image or a variant in the spec."""
    found: dict[str, Target] = {}
    for image in plan.every_image:
        of_image = targets_of(project.spec, image.name)
        # The image has the name of the spec, and its first target may have another.
        found |= {target.name: target for target in of_image} | {image.name: of_image[0]}
    return lambda image, place: found[image.name].location(*place)


def _bake(ready: Bake, exports: Path, reporter: Reporter) -> tuple[BakeResult, dict[str, str]]:
    """Bake until what was exported is whole; buildx leaves alone what an earlier build exported."""
    for _ in range(2):
        outcome, digests = bake(ready, reporter)
        damaged = [name for name in digests if not Layout(exports / name).is_whole(digests[name])]
        if not damaged:
            return outcome, digests
        for name in damaged:
            reporter.message(f"{name}: layers of an earlier build are damaged: exporting again")
            remove(exports / name)
    message = f"{damaged[0]}: what BuildKit exported to {exports} is damaged"
    raise BuildError(Problem(message, "check the disk and the memory of this machine"))


def _load_option(engine: Engine, image: ImagePlan) -> str:
    names = ",".join(image.references)
    # The docker driver's store takes an index as it is; other drivers send an archive to it.
    kind = "image" if engine.driver == "docker" else "docker"
    return f'type={kind},"name={names}",oci-mediatypes=true'


_LOAD = Destination(_load_option, "loaded")


def _tell(results: Sequence[ImageResult], seconds: float) -> None:
    print_summary(make_console(sys.stderr), results)
    if all(result.up_to_date for result in results):
        say(f"nothing changed: nothing was built or written ({seconds:.1f} s)")
        return
    for result in results:
        if not result.up_to_date:
            say(f"{result.output}: {', '.join(result.tags)}")
