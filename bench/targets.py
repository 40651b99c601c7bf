"""The promises of the project, computed from what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.model import Case, Target


@dataclass(frozen=True, slots=True)
class Promise:
    """A limit for what ``compute`` makes of medians, each named CASE.CONTENDER in ``keys``.

    ``detail``: a format of the medians, in units of ``unit`` seconds or bytes; ``at_least``:
    whether more is better.
    """

    name: str
    limit: float
    keys: tuple[str, ...]
    compute: Callable[..., float]
    detail: str = "{:.2f} s / {:.2f} s"
    at_least: bool = False
    unit: float = 1

    def target(self, cases: Mapping[str, Case]) -> Target:
        """Compare it with ``cases``; what one of them lacks is not measured."""
        medians = [_median(cases, *key.split(".")) for key in self.keys]
        known = [median / self.unit for median in medians if median]
        if len(known) < len(medians):
            return Target(self.name, self.limit, None, self.at_least)
        measured, detail = self.compute(*known), self.detail.format(*known)
        return Target(self.name, self.limit, measured, self.at_least, detail)


def _median(cases: Mapping[str, Case], case: str, contender: str) -> float | None:
    return cases[case].median(contender) if case in cases else None


def _ratio(one: float, other: float) -> float:
    return one / other


def _less(one: float, other: float) -> float:
    return one - other


def _less_over(one: float, less: float, other: float) -> float:
    return (one - less) / other


def _faster(name: str, limit: float, case: str, peer: str, ours: str = "ours") -> Promise:
    """Promise that ``peer`` takes ``limit`` times as long."""
    keys = (f"{case}.{peer}", f"{case}.{ours}")
    return Promise(name, limit, keys, _ratio, f"{{:.2f}} s / {{:.2f}} s ({ours})", at_least=True)


def _beyond_nox(name: str, limit: float, case: str, ours: str = "ours") -> Promise:
    """Promise seconds beyond those that nox takes to start."""
    keys = (f"{case}.{ours}", f"{case}.nox")
    return Promise(name, limit, keys, _less, "{:.2f} s - nox {:.2f} s")


def _over(name: str, limit: float, peer: str, ours: str, nox: str) -> Promise:
    """Promise a ratio to ``peer``, to which nox's start is added: it is not multiplied."""
    detail = "({:.2f} s - nox {:.2f} s) / {:.2f} s"
    return Promise(name, limit, (ours, nox, peer), _less_over, detail)


_SIZES = tuple(
    Promise(
        f"compressed size, linux/{architecture}: ours over pip's",
        1.0,
        (f"size-{architecture}.ours", f"size-{architecture}.pip"),
        _ratio,
        "{:.1f} MB / {:.1f} MB",
        unit=1e6,
    )
    for architecture in ("amd64", "arm64")
)

_PROMISES = (
    _over(
        "nothing changed: ours, less nox's start, over bare bake",
        1.3,
        "nothing-changed.bare",
        "nothing-changed.ours",
        "nothing-changed.nox",
    ),
    *_SIZES,
    _faster("first HTTP 200: pip's time over ours", 1.6, "first-answer", "pip"),
    Promise(
        "a further image that shares the lock, over the first",
        0.15,
        ("images-16.ours", "images-1.ours", "images-1.ours"),
        lambda many, one, first: (many - one) / 15 / first,
        "({:.2f} s for 16 - {:.2f} s for 1) / 15 / {:.2f} s",
    ),
    Promise(
        "a new engine: with a wheelhouse, over without",
        0.5,
        ("new-engine.ours", "new-engine.ours-nothing"),
        _ratio,
    ),
    _beyond_nox("nothing changed: seconds beyond nox's start", 0.15, "nothing-changed"),
    _over(
        "one source line: ours, less nox's start, over bare bake",
        1.3,
        "source-changed.bare",
        "source-changed.ours",
        "source-changed.nox",
    ),
    _over(
        "push after one line: ours, less nox's start, over pip's",
        1,
        "push-seconds.pip",
        "push-seconds.ours",
        "push-unchanged.nox",
    ),
    _beyond_nox("plan of 200 images that share a lock: seconds", 1, "plan-shared"),
    _beyond_nox("the same as JSON: seconds", 1, "plan-shared", "ours-json"),
    _beyond_nox("plan of 200 images with locks of their own: seconds", 3, "plan-own"),
    Promise(
        "100,000 files, nothing changed: ours over git status",
        1.5,
        ("many-files.ours", "many-files.git"),
        _ratio,
    ),
    _beyond_nox("a file of 2 GiB, nothing changed: seconds beyond nox's start", 0.2, "large-file"),
    Promise(
        "--load: the seconds that it adds, over docker load",
        1.5,
        ("load.ours-load", "load.ours", "load.docker-load"),
        _less_over,
        "({:.2f} s - {:.2f} s) / {:.2f} s",
    ),
)


def targets(cases: Mapping[str, Case], *, both_platforms: bool) -> tuple[Target, ...]:
    """Every promise; those that ``cases`` cannot answer stay unmeasured.

    ``both_platforms``: whether the peers were built for all platforms, as ours always is.
    """
    layers = cases.get("no-layer-cache") if both_platforms else None
    ours = layers.compared if layers else "ours"
    cold = tuple(
        _faster(
            f"no layer cache, both platforms: {peer}'s time over ours",
            limit,
            "no-layer-cache",
            peer,
            ours,
        ).target({"no-layer-cache": layers} if layers else {})
        for peer, limit in (("pip", 40), ("uv", 12))
    )
    return (*cold, *(promise.target(cases) for promise in _PROMISES))
