"""The cases: what is asked of every contender, in the order of a run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial

from bench import bytecode, compression, floor, large, new_engine, oci, pull, push
from bench.answer import first_answer
from bench.contenders import nox
from bench.model import Case, Sample
from bench.process import BenchError
from bench.rounds import Measure, interleave
from bench.stage import BUILT, Stage

DOWNLOADS = "every wheel downloaded before"
#: Images in one spec.
COUNTS = (1, 4, 16)


def no_layer_cache(stage: Stage) -> list[Case]:
    """No layer of an earlier build, the base's own included; the cache mounts kept."""

    def without_layers(name: str) -> float:
        stage.forget_layers()
        return stage.build(name)

    def cold() -> float:
        bytecode.forget(stage.engine, stage.runner, stage.root)
        return without_layers("ours")

    measures: dict[str, Measure] = {
        name: partial(without_layers, name) for name in (*stage.peers, "ours")
    }
    measures["ours-cold"] = cold
    samples = interleave(measures, stage.repeat, once=stage.emulated)
    warm = f"{DOWNLOADS}; ours also has byte code compiled before, except in the row that says cold"
    return [Case("no-layer-cache", "No layer cache", "s", warm, samples)]


def nothing_changed(stage: Stage) -> list[Case]:
    """The same build once more, beside bare bake of the same definition and nox on its own."""
    stage.build_all()
    folder, bare = stage.render()
    stage.say("building the rendered definition with bare bake")
    stage.runner.run(bare, folder)

    def nothing() -> float:
        return stage.runner.run(nox("nothing"), stage.ours.folder)

    measures: dict[str, Measure] = {
        name: partial(stage.build, name) for name in (*stage.peers, "ours")
    }
    measures["ours-planned"] = partial(stage.plan_anew, measures["ours"])
    measures |= {"bare": partial(stage.runner.run, bare, folder), "nox": nothing}
    interleave({"ours": measures["ours"]}, 2)
    samples = interleave(measures, stage.repeat)
    return [Case("nothing-changed", "Nothing changed", "s", BUILT, samples)]


def source_changed(stage: Stage) -> list[Case]:
    """One line of the application is another one; beside it bare bake of the same definition."""
    stage.build_all()
    folder, bare = stage.render()

    def changed(build: Measure) -> float:
        # Each time anew: one build of ours would do the work of the next.
        stage.projects.change_source()
        return build()

    builds: dict[str, Measure] = {
        name: partial(stage.build, name) for name in (*stage.peers, "ours")
    }
    builds["bare"] = partial(stage.runner.run, bare, folder)
    measures: dict[str, Measure] = {n: partial(changed, build) for n, build in builds.items()}
    measures["nox"] = partial(stage.runner.run, nox("nothing"), stage.ours.folder)
    interleave(measures, 1)
    samples = interleave(measures, stage.repeat)
    return [Case("source-changed", "One source line changed", "s", BUILT, samples)]


def dependency_bumped(stage: Stage) -> list[Case]:
    """One pure-Python package is another release, which has to be downloaded."""
    stage.build_all()
    releases = stage.projects.releases(stage.repeat)

    def ours() -> float:
        seconds = stage.build("ours")
        if not stage.ours.steps_run():
            raise BenchError(
                "the layer with the bumped dependency is there from an earlier run; remove layers "
                "by measuring 'no-layer-cache' before, or by `docker buildx prune --all`"
            )
        return seconds

    measures: dict[str, Measure] = {name: partial(stage.build, name) for name in stage.peers}
    samples = interleave(
        {**measures, "ours": ours},
        stage.repeat,
        once=stage.emulated,
        before=lambda number: stage.projects.bump(releases[number]),
    )
    warm = f"{BUILT}; the wheel of the new release is downloaded"
    return [Case("dependency-bumped", "One dependency bumped", "s", warm, samples)]


def first_http_200(stage: Stage) -> list[Case]:
    """From `docker run` to the first HTTP 200 of the linux/amd64 image."""
    stage.build_all()
    images = {name: f"bench-{name}-{stage.projects.token}:latest" for name in stage.peers}
    images["ours"] = f"{stage.projects.image}:latest"
    stage.loaded += [*images.values(), f"{stage.projects.image}:0.1.0"]
    for name, peer in stage.peers.items():
        stage.runner.run(peer.load(images[name]), peer.folder)
    stage.runner.run(stage.ours.load(), stage.ours.folder)

    def start(reference: str) -> float:
        stage.say(f"starting {reference}")
        return first_answer(stage.engine, stage.runner, reference, stage.root)

    measures = {name: partial(start, reference) for name, reference in images.items()}
    interleave(measures, 1)
    samples = interleave(measures, stage.repeat if stage.repeat == 1 else max(5, stage.repeat))
    warm = "each image was started once before: it is unpacked and in the page cache"
    return [Case("first-answer", "Start to first HTTP 200 (linux/amd64)", "s", warm, samples)]


def size(stage: Stage) -> list[Case]:
    """Compressed layers and configuration of each platform."""
    stage.build_all()
    archives = {name: peer.archive for name, peer in stage.peers.items()}
    archives["ours"] = stage.ours.archive
    sizes = {name: oci.compressed_sizes(archive) for name, archive in archives.items()}
    return [
        Case(
            f"size-{platform.partition('/')[2]}",
            f"Compressed size, {platform}",
            "B",
            "",
            {n: Sample((float(s[platform]),)) for n, s in sizes.items() if platform in s},
        )
        for platform in sizes["ours"]
    ]


def host_floor(stage: Stage) -> list[Case]:
    """The same installs with uv on the host: what no build can beat."""
    layers = floor.trees(
        stage.runner, stage.ours.folder, stage.projects.image, stage.root / "floor"
    )
    cache = stage.root / "uv-cache"
    stage.say("installing on the host, with no BuildKit")
    floor.floor(layers, cache)
    both = [floor.floor(layers, cache) for _ in range(stage.repeat)]
    samples = {
        "floor-install": Sample(tuple(installed for installed, _ in both)),
        "floor": Sample(tuple(packed for _, packed in both)),
    }
    warm = f"{DOWNLOADS}; byte code compiled anew, by the Python that runs nox"
    return [Case("floor", "The floor: no BuildKit at all, both platforms", "s", warm, samples)]


def several_images(stage: Stage) -> list[Case]:
    """Images that share a lock, in one spec: no layer of an earlier build."""

    def images(count: int) -> float:
        stage.projects.write_images(count)
        stage.forget_layers()
        return stage.build("ours")

    measures = {str(count): partial(images, count) for count in COUNTS}
    try:
        samples = interleave(measures, stage.repeat)
    finally:
        stage.projects.write_images(1)
    return [
        Case(
            f"images-{count}",
            f"No layer cache, {count} image{'s' if count > 1 else ''} that share a lock",
            "s",
            f"{DOWNLOADS}, and byte code compiled before",
            {"ours": samples[str(count)]},
        )
        for count in COUNTS
    ]


def on_new_engine(stage: Stage) -> list[Case]:
    """An engine with empty data, whose machine has a wheelhouse, or nothing."""
    if not stage.engine.private:
        raise BenchError("'new-engine' starts private engines; unset DOCKER_HOST, or leave it out")
    project = stage.root / "new-engine"
    shutil.copytree(stage.ours.folder, project)
    new_engine.add_compiled(project)
    stage.say("filling the wheelhouse")
    stage.runner.run(nox("build"), project)

    def build(*, wheelhouse: bool) -> float:
        stage.say(f"building on a new engine, {'with' if wheelhouse else 'without'} a wheelhouse")
        home = stage.root / "home"
        return new_engine.build(stage.runner, project, home, wheelhouse=wheelhouse)

    measures: dict[str, Measure] = {
        "ours": partial(build, wheelhouse=True),
        "ours-nothing": partial(build, wheelhouse=False),
    }
    warm = "the base is there; no layer, and no byte code; one more package, which is compiled"
    samples = interleave(measures, stage.repeat)
    return [Case("new-engine", "A new engine, with a wheelhouse", "s", warm, samples)]


#: What --case takes, in the order of a run.
CASES: dict[str, Callable[[Stage], list[Case]]] = {
    "no-layer-cache": no_layer_cache,
    "nothing-changed": nothing_changed,
    "size": size,
    "source-changed": source_changed,
    "push": push.push,
    "pull": pull.pull,
    "first-answer": first_http_200,
    "dependency-bumped": dependency_bumped,
    "floor": host_floor,
    "several-images": several_images,
    "new-engine": on_new_engine,
    "plan": large.plan,
    "many-files": large.many_files,
    "large-file": large.large_file,
    "load": large.load,
    "compression": compression.compression,
}
