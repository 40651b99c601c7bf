"""A new version pulled onto a machine that has the last one, by bytes and by seconds."""

from __future__ import annotations

from functools import partial

from bench import new_engine, registry
from bench.model import Case, Sample
from bench.process import Runner
from bench.registry import Registry
from bench.rounds import Measure, interleave
from bench.stage import Stage

PLATFORM = "linux/amd64"


def pulled(reference: str) -> list[str]:
    """The command that pulls ``reference``."""
    return ["docker", "pull", "--quiet", "--platform", PLATFORM, reference]


class _Versions:
    """Versions of every contender's image, pushed to ``running`` and pulled by ``other``."""

    def __init__(self, stage: Stage, running: Registry, other: Runner) -> None:
        self._stage = stage
        self._running = running
        self._other = other
        self._registry = f"{running.address}/bench"
        self._names = (*stage.peers, "ours")
        self._number = 0
        self.seconds: dict[str, list[float]] = {}

    def publish(self) -> None:
        """Push what every contender makes now; the peers for the platform that is pulled."""
        self._number += 1
        for name in self._names:
            self._stage.push(name, self._registry, str(self._number), PLATFORM)

    def measures(self) -> dict[str, Measure]:
        """Return what pulls the newest version of each; the seconds are kept beside the bytes."""
        self.seconds = {name: [] for name in self._names}
        return {name: partial(self._pull, name) for name in self._names}

    def _reference(self, name: str) -> str:
        if name == "ours":
            return f"{self._registry}/{self._stage.projects.image}:latest"
        return f"{self._registry}/{name}:{self._number}"

    def _pull(self, name: str) -> float:
        """Return the bytes that the registry sent."""
        before = self._running.sent()
        command = pulled(self._reference(name))
        self.seconds[name].append(self._other.run(command, self._stage.root))
        return float(self._running.sent() - before)


def pull(stage: Stage) -> list[Case]:
    """After one line of the application, and after one dependency, on another machine."""
    home = stage.root / "puller"
    with (
        registry.running(stage.root / "pulled") as running,
        new_engine.puller(stage.runner, stage.ours.folder, home) as other,
    ):
        versions = _Versions(stage, running, other)
        versions.publish()
        interleave(versions.measures(), 1)

        def change(_: int) -> None:
            stage.projects.change_source()
            versions.publish()

        lines = interleave(versions.measures(), stage.repeat, before=change)
        line_seconds = _samples(versions.seconds)
        (release,) = stage.projects.releases(1)
        stage.projects.bump(release)
        versions.publish()
        bumped = interleave(versions.measures(), 1)
        bump_seconds = _samples(versions.seconds)
    warm = "the version before was pulled by the same machine"
    return [
        Case("pull-line-bytes", "Pulled after one line changed", "B", warm, lines),
        Case("pull-line", "Pull after one line changed", "s", warm, line_seconds),
        Case("pull-bump-bytes", "Pulled after one dependency was bumped", "B", warm, bumped),
        Case("pull-bump", "Pull after one dependency was bumped", "s", warm, bump_seconds),
    ]


def _samples(seconds: dict[str, list[float]]) -> dict[str, Sample]:
    return {name: Sample(tuple(values)) for name, values in seconds.items()}
