"""Builds that are pushed to a real registry."""

from __future__ import annotations

from functools import partial

from bench import registry
from bench.contenders import nox
from bench.model import Case, Sample
from bench.rounds import Measure, interleave
from bench.stage import BUILT, Stage


def push(stage: Stage) -> list[Case]:
    """Bytes that a real registry stores more, and seconds, after one source line changed."""
    stage.build_all()
    with registry.running(stage.root / "registry") as running:
        repository = f"{running.address}/bench"
        taken: dict[str, list[float]] = {name: [] for name in (*stage.peers, "ours")}

        def push_one(name: str) -> float:
            before = running.stored()
            taken[name].append(stage.push(name, repository, str(len(taken[name]))))
            return float(running.stored() - before)

        measures: dict[str, Measure] = {name: partial(push_one, name) for name in taken}
        interleave(measures, 1)
        pushed = interleave(measures, stage.repeat, before=lambda _: stage.projects.change_source())
        seconds = {name: Sample(tuple(values[1:])) for name, values in taken.items()}
        unchanged = {
            "ours": partial(stage.runner.run, stage.ours.push(repository), stage.ours.folder),
            "nox": partial(stage.runner.run, nox("nothing"), stage.ours.folder),
        }
        nothing = interleave(unchanged, stage.repeat)
    warm = f"{BUILT}; pushed before"
    return [
        Case("push-unchanged", "Push, nothing changed", "s", warm, nothing),
        Case("push-seconds", "Build and push after one line changed", "s", warm, seconds),
        Case("push-bytes", "Pushed after one line changed", "B", warm, pushed),
    ]
