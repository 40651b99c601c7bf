"""A build beside the one before: what took longer, what ran again, what grew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nox_buildkit.oci.layer_contents import Part
from nox_buildkit.report.timeline.model import ImageEntry, Step, StepTime, Timeline
from nox_buildkit.results.model import PlatformResult

#: Differences below these are noise of the machine: seconds, and a part of what it was.
_SECONDS, _RATIO = 0.1, 0.1


@dataclass(frozen=True, slots=True)
class TimeChange:
    """A step in both builds; ``before`` None: it is new."""

    now: StepTime
    before: StepTime | None

    @property
    def ran_again(self) -> bool:
        """Tell that it was cached in the build before, and is no more."""
        return self.before is not None and self.before.cached and not self.now.cached

    @property
    def difference(self) -> float:
        return self.now.seconds - (self.before.seconds if self.before else 0.0)

    @property
    def notable(self) -> bool:
        """Tell that it says something: it ran again, is new, or took another time."""
        if self.before is None or self.before.cached != self.now.cached:
            return not self.now.cached or self.before is not None
        most = max(self.now.seconds, self.before.seconds)
        return abs(self.difference) >= max(_SECONDS, _RATIO * most)


@dataclass(frozen=True, slots=True)
class SizeChange:
    """Bytes of a layer or a part, in both builds; 0 where it is not in one of them.

    ``versions``: of a package, before and now.
    """

    place: str
    name: str
    before: int
    now: int
    versions: tuple[str, str] = ("", "")

    @property
    def difference(self) -> int:
        return self.now - self.before


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences of a build from the one before of the same images."""

    times: tuple[TimeChange, ...]
    layers: tuple[SizeChange, ...]
    parts: tuple[SizeChange, ...]


def step_times(image: str, steps: Iterable[Step]) -> tuple[StepTime, ...]:
    """Return the steps that a build of ``image`` alone would have, too.

    One time a step: the sum of its runs, cached if all of them were.
    """
    found: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in steps:
        if not step.images or image in step.images:
            own = step.images and step.kind in ("step", "export")
            lane = f"{image} {step.platform}".rstrip() if own else step.lane
            found[lane, step.title].append(step)
    return tuple(
        StepTime(*key, round(sum(step.seconds for step in runs), 3), all(s.cached for s in runs))
        for key, runs in found.items()
    )


def compare(now: Timeline, before: Timeline) -> Comparison | None:
    """Compare a build with what ``before`` tells of its images; None if it tells of none."""
    known = [name for name in now.built if name in before.images]
    if not known:
        return None
    old = {(t.lane, t.title): t for name in known for t in before.images[name].times}
    new = {(t.lane, t.title): t for name in known for t in now.images[name].times}
    times = (TimeChange(time, old.get(key)) for key, time in new.items())
    layers: list[SizeChange] = []
    parts: list[SizeChange] = []
    for name in known:
        for place, one, other in _platforms(name, now.images[name], before.images[name]):
            layers += _changes(place, _layers(one), _layers(other))
            parts += _changes(place, _parts(one, now), _parts(other, before))
    return Comparison(
        tuple(sorted(times, key=lambda c: (-abs(c.difference), c.now.lane, c.now.title))),
        tuple(layers),
        tuple(sorted(parts, key=lambda c: (-abs(c.difference), c.place, c.name))),
    )


def _platforms(
    name: str, now: ImageEntry, before: ImageEntry
) -> Iterable[tuple[str, PlatformResult, PlatformResult]]:
    old = {each.platform: each for each in before.platforms}
    for each in now.platforms:
        if each.platform in old:
            yield f"{name} {each.platform}", each, old[each.platform]


_Sizes = Mapping[str, tuple[int, str]]


def _layers(result: PlatformResult) -> _Sizes:
    return {layer.kind: (result.size_of(layer.kind), "") for layer in result.layers}


def _parts(result: PlatformResult, timeline: Timeline) -> _Sizes:
    found: dict[str, tuple[int, str]] = {}
    for layer in result.layers:
        for part in timeline.contents.get(layer.digest, ()):
            size, _ = found.get(_name(part), (0, ""))
            found[_name(part)] = (size + part.size, part.version)
    return found


def _name(part: Part) -> str:
    return f"{part.name} (Debian)" if part.kind == "debian" else part.name


def _changes(place: str, now: _Sizes, before: _Sizes) -> Iterable[SizeChange]:
    for name in dict.fromkeys((*now, *before)):
        (size, version), (old, was) = now.get(name, (0, "")), before.get(name, (0, ""))
        if size != old or version != was:
            yield SizeChange(place, name, old, size, (was, version))
