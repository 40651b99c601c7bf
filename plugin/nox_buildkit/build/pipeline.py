"""The steps of a build after its plan: find an engine, bake, compare, look into, pack or push."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from nox_buildkit.at_once import meanwhile
from nox_buildkit.build.archive import packing
from nox_buildkit.build.baking import Bake, prepared, work_folder
from nox_buildkit.build.caches import Caches, caches_of
from nox_buildkit.build.compile_hints import wheel_hints
from nox_buildkit.build.downloaded_files import download_files
from nox_buildkit.build.explanation import tell_and_remember
from nox_buildkit.build.exported import Exported, Place, require_planned
from nox_buildkit.build.keep_wheels import keep_wheels
from nox_buildkit.build.loading import load_alone, require_reader, takes_index
from nox_buildkit.build.options import BuildOptions
from nox_buildkit.build.output_folder import require_room, require_writable
from nox_buildkit.build.project import Project
from nox_buildkit.build.repeated_bake import bake_again_if_needed
from nox_buildkit.buildspec.model.targets import Target, targets_of
from nox_buildkit.engine.bake import BakeResult
from nox_buildkit.engine.buildkit import Engine, Needs
from nox_buildkit.engine.find import find_engine
from nox_buildkit.engine.flags.output import Output
from nox_buildkit.errors import BuildError, Code, EngineError, Location
from nox_buildkit.file_digests import FileDigests
from nox_buildkit.files import private_dir, remove
from nox_buildkit.lock.requirement_sets import distinct, sources_of
from nox_buildkit.lock.wheelhouse import provide
from nox_buildkit.oci.layout import Layout
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.report.ci import log_group
from nox_buildkit.report.console import Reporter, choose, downloads
from nox_buildkit.report.timeline.recorder import BAKE, Recorder
from nox_buildkit.results.model import ImageResult
from nox_buildkit.stopwatch import Stopwatch

#: Where images go: to the image store besides the output folder, or to their registries alone.
Destination = Literal["store", "registry"]


def provide_packages(project: Project, plan: Plan) -> None:
    """Have the files of all packages of ``plan``, and of addresses, on this machine.

    Raises LockError.
    """
    sources = sources_of(project.spec, project.root, project.images)
    with downloads() as report, project.watch.step("packages"):
        provide(plan.packages, distinct(sources), report)
        download_files(project, plan, report)


def build_images(
    project: Project,
    plan: Plan,
    options: BuildOptions,
    destination: Destination | None = None,
    provenance: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, ImageResult]:
    """Build ``plan`` into the output folder, or for ``destination``; return results by image.

    ``provenance``: modes of BuildKit's provenance by image; it is in the index then.
    Raises EngineError, BuildError; nothing in the output folder has changed then.
    Raises RegistryError, which says what has become of each tag.
    """
    exports = _exports(project, plan, options)
    engine = _engine(project, plan, destination)
    provide_packages(project, plan)
    outputs = {image.name: _outputs(image, exports, engine, destination) for image in plan.images}
    reporter = Recorder(choose(options.progress, verbose=options.verbose))
    try:
        caches = _caches(project, plan, engine, options)
        bake_with = partial(prepared, provenance=provenance, no_cache=options.no_cache)
        group = log_group(f"build {', '.join(outputs)}")
        ready_to_push = _push_imported(destination)
        with bake_with(plan, engine, project, outputs, caches) as ready, group, ready_to_push:
            outcome, digests = _bake(ready, exports, reporter, project.watch)
        made = _exported(project, plan, exports, digests)
        tell = reporter.message
        with packing() as pack:
            with project.watch.step("checks and archives"):
                require_planned(made, "loaded" if destination == "store" else "")
                output = None if destination == "registry" else options.output
                results = [one.finish(output, pack, tell, outcome.progress) for one in made]
            tell_and_remember(project, plan, tell)
            _deliver(made, destination, engine, reporter, project.watch)
    except BuildError as error:
        hints = wheel_hints(project, plan, error)
        raise error.placed(_places(project, plan)).hinted(hints) from None
    finally:
        reporter.close()
    return _timed(options.output, project.watch, reporter, results, made)


def _deliver(
    made: Sequence[Exported],
    destination: Destination | None,
    engine: Engine,
    reporter: Reporter,
    watch: Stopwatch,
) -> None:
    """Bring to ``destination`` what BuildKit did not. Raises EngineError, RegistryError."""
    if destination == "store":
        load_alone(engine, made, reporter.message)
    if destination == "registry":
        reporter.close()
        # As in `_push_imported`.
        from nox_buildkit.build.pushing import push_images  # noqa: PLC0415

        with downloads() as report, watch.step("push"):
            push_images(made, report)


def _push_imported(destination: Destination | None) -> AbstractContextManager[None]:
    """Import an HTTP client, which only a push needs, beside the block."""
    if destination != "registry":
        return contextlib.nullcontext()
    return meanwhile(lambda: importlib.import_module("nox_buildkit.build.pushing"))


def _exports(project: Project, plan: Plan, options: BuildOptions) -> Path:
    """Return the folder that BuildKit exports to; there is room in it, and in the output folder."""
    exports = private_dir(work_folder(project.root, plan) / "export")
    require_writable(options.output)
    require_room(plan, options.output, exports)
    return exports


def _exported(
    project: Project, plan: Plan, exports: Path, digests: Mapping[str, str]
) -> list[Exported]:
    locate = _locator(project, plan)
    return [
        Exported(plan, i, exports, digests[i.name], locate, project.spec.images[i.name].cuda)
        for i in plan.images
    ]


def _timed(
    output: Path,
    watch: Stopwatch,
    recorder: Recorder,
    results: Sequence[ImageResult],
    made: Sequence[Exported],
) -> dict[str, ImageResult]:
    """Write the timeline of the build; return its results by image, with their time."""
    # A run that finds nothing to do needs none of it.
    from nox_buildkit.build.timeline import with_timeline  # noqa: PLC0415

    layouts = {one.image.name: one.layout for one in made}
    timed = with_timeline(output, watch, recorder.bakes, results, layouts)
    return {one.name: one for one in timed}


def _engine(project: Project, plan: Plan, destination: Destination | None) -> Engine:
    """Return the engine that builds ``plan``. Raises EngineError."""
    needs = Needs(plan.platforms, plan.emulated, load=destination == "store")
    with downloads() as report, project.watch.step("engine"):
        engine = find_engine(needs, project.builder, report)
    if destination == "store":
        if engine.nodes > 1:
            message = f"the nodes of {engine.builder} have no image store in common to load into"
            hint = "leave --load out, or name a builder of one node"
            raise EngineError(Code.BUILDER(message, hint))
        require_reader(engine.docker, plan.images)
    # Packages for steps, and cross compilers, are of the platform that was planned.
    bound = any(target.application.steps or target.bases.cross for target in plan.targets)
    if bound and not set(engine.native) <= set(plan.native):
        planned, found = ", ".join(plan.native), ", ".join(engine.native)
        message = f"it was planned for a builder on {planned}, and {engine.builder} is on "
        hint = "name a builder that can do the build: --builder NAME"
        raise EngineError(Code.BUILDER(message + found, hint))
    return engine


def _outputs(
    image: ImagePlan, exports: Path, engine: Engine, destination: Destination | None
) -> tuple[Output, ...]:
    layout = Output.layout(exports / image.name, image.compression)
    if destination == "store" and takes_index(engine):
        return layout, Output.store(image.references, engine.driver, image.compression)
    return (layout,)


def _caches(project: Project, plan: Plan, engine: Engine, options: BuildOptions) -> Caches:
    written = private_dir(work_folder(project.root, plan) / "cache")
    # Nodes would overwrite each other's.
    export, read = options.export_cache and engine.nodes == 1, not options.no_cache
    return caches_of(project, plan, engine, written, export=export, read=read)


def _bake(
    ready: Bake, exports: Path, reporter: Reporter, watch: Stopwatch
) -> tuple[BakeResult, dict[str, str]]:
    """Bake until what was exported is whole; buildx leaves alone what an earlier build exported."""
    for _ in range(2):
        with watch.step(BAKE):
            outcome, digests = bake_again_if_needed(ready, reporter)
        with watch.step("digests of the export"):
            known = FileDigests(exports, "blobs")
            every = digests.items()
            damaged = [n for n, made in every if not Layout(exports / n).is_whole(made, known)]
            known.keep()
        if not damaged:
            for notice in outcome.notices():
                reporter.message(notice)
            with watch.step("kept wheels and caches"):
                keep_wheels(ready, reporter)
                ready.caches.keep()
            return outcome, digests
        for name in damaged:
            reporter.message(f"{name}: layers of an earlier build are damaged: exporting again")
            remove(exports / name)
    message = f"{damaged[0]}: what BuildKit exported to {exports} is damaged"
    raise BuildError(Code.OUTPUT(message, "check the disk and the memory of this machine"))


def _places(project: Project, plan: Plan) -> dict[str, Location]:
    """Return where the spec names Debian packages, users and files that stages of ``plan`` add."""
    images = plan.every_image
    targets = [t for image in images for t in targets_of(project.spec, image.name)]
    keys = ("apt", "build-apt", "steps-apt")
    places = {k: v for t in targets for key in keys for k, v in t.locations(key).items()}
    places |= {
        file.source.lstrip("/"): at
        for t in targets
        for position, file in enumerate(t.variant.files)
        if file.from_ and (at := t.location("files", position, "source"))
    }
    return places | {t.account: at for t in targets if t.account and (at := t.location("user"))}


def _locator(project: Project, plan: Plan) -> Callable[[ImagePlan, Place], Location | None]:
    """Return what finds the place of a key of an image or a variant in the spec."""
    found: dict[str, Target] = {}
    for image in plan.every_image:
        of_image = targets_of(project.spec, image.name)
        # The image has the name of the spec, and its first target may have another.
        found |= {target.name: target for target in of_image} | {image.name: of_image[0]}
    return lambda image, place: found[image.name].location(*place)
