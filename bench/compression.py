"""The same image with layers of gzip and of zstd: built, sized, pushed, and pulled."""

from __future__ import annotations

from functools import partial

from bench import new_engine, oci, registry
from bench.contenders import nox
from bench.model import Case, Sample
from bench.pull import PLATFORM, pulled
from bench.rounds import Measure, interleave
from bench.stage import Stage

#: What contender is compressed with what.
_COMPRESSIONS = {"ours": "gzip", "ours-zstd": "zstd"}


def compression(stage: Stage) -> list[Case]:
    """No layer of an earlier build; an empty registry; and a machine that has nothing."""
    sizes: dict[str, float] = {}
    stage.build("ours")

    def build(name: str) -> float:
        stage.forget_layers()
        stage.say(f"building with {_COMPRESSIONS[name]}")
        seconds = stage.runner.run(nox("build", *_options(stage, name)), stage.ours.folder)
        sizes[name] = float(oci.compressed_sizes(stage.ours.archive)[PLATFORM])
        return seconds

    built = interleave({name: partial(build, name) for name in _COMPRESSIONS}, stage.repeat)
    pushed, pulled = _transferred(stage)
    samples = {name: Sample((size,)) for name, size in sizes.items()}
    warm = "every wheel downloaded, and byte code compiled before"
    built_before = "built before; nothing was pushed"
    title = "Compression: "
    return [
        Case("compression-build", f"{title}no layer cache", "s", warm, built),
        Case("compression-size", f"{title}size, {PLATFORM}", "B", "", samples),
        Case("compression-push", f"{title}first push", "s", built_before, pushed),
        Case("compression-pull", f"{title}pull and unpack", "s", "nothing of it is there", pulled),
    ]


def _options(stage: Stage, name: str) -> tuple[str, str]:
    return "--set", f"images.{stage.projects.image}.compression={_COMPRESSIONS[name]}"


def _transferred(stage: Stage) -> tuple[dict[str, Sample], dict[str, Sample]]:
    """Return the seconds of first pushes, and of pulls by a machine without any of the layers."""
    count, places = 0, dict[str, str]()
    with (
        registry.running(stage.root / "compressed") as running,
        new_engine.puller(stage.runner, stage.ours.folder, stage.root / "other") as other,
    ):

        def push(name: str) -> float:
            nonlocal count
            count += 1
            place = f"{running.address}/{name}-{count}"
            command = nox("push", *_options(stage, name), "--set", f"registry={place}")
            # What is measured is the push alone.
            stage.runner.run(nox("build", *_options(stage, name)), stage.ours.folder)
            places[name] = f"{place}/{stage.projects.image}:latest"
            stage.say(f"pushing with {_COMPRESSIONS[name]}")
            return stage.runner.run(command, stage.ours.folder)

        def pull(name: str) -> float:
            stage.say(f"pulling with {_COMPRESSIONS[name]}")
            seconds = other.run(pulled(places[name]), stage.root)
            other.run(["docker", "image", "rm", "--force", places[name]], stage.root)
            return seconds

        pushes: dict[str, Measure] = {name: partial(push, name) for name in _COMPRESSIONS}
        pushed = interleave(pushes, stage.repeat)
        pulls: dict[str, Measure] = {name: partial(pull, name) for name in _COMPRESSIONS}
        interleave(pulls, 1)
        return pushed, interleave(pulls, stage.repeat)
