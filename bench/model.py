"""What is measured, as values: samples, cases, targets, the whole result."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Unit = Literal["s", "B"]

#: Everything that appears in a result, in the order of the tables: key → what it is.
CONTENDERS = {
    "pip": "one stage, pip",
    "uv": "two stages, uv",
    "ours": "nox-buildkit",
    "ours-planned": "nox-buildkit, planned anew",
    "ours-cold": "nox-buildkit, byte code cold",
    "ours-nothing": "nox-buildkit, no wheelhouse",
    "ours-json": "nox-buildkit, --json",
    "ours-load": "nox-buildkit, --load",
    "ours-zstd": "nox-buildkit, compression: zstd",
    "docker-load": "docker load of the same archive",
    "git": "git status of the same tree",
    "bare": "bare docker buildx bake",
    "nox": "nox alone",
    "floor": "uv on the host, packed",
    "floor-install": "uv on the host, installed",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """Measured values of one thing, in the order they were taken."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The smallest value."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest value."""
        return max(self.values)


@dataclass(frozen=True, slots=True)
class Case:
    """One question put to every contender. ``warm``: the state that it starts from."""

    key: str
    title: str
    unit: Unit
    warm: str
    samples: Mapping[str, Sample]

    @property
    def compared(self) -> str:
        """The contender that the peers are compared with: ours, byte code cold where it matters."""
        return "ours-cold" if "ours-cold" in self.samples else "ours"

    def median(self, contender: str) -> float | None:
        """The median of a contender, None if it was not measured."""
        sample = self.samples.get(contender)
        return sample.median if sample else None


@dataclass(frozen=True, slots=True)
class Target:
    """A promise: ``measured`` against ``limit``; None where this run did not measure it.

    ``at_least``: whether more is better.
    """

    name: str
    limit: float
    measured: float | None
    at_least: bool
    detail: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether it is kept; None if nobody knows."""
        if self.measured is None:
            return None
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


@dataclass(frozen=True, slots=True)
class Results:
    """One run. ``partial`` says why it is not the real thing; empty if it is."""

    machine: Mapping[str, str]
    setting: Mapping[str, str]
    cases: tuple[Case, ...]
    targets: tuple[Target, ...]
    partial: str = ""

    def case(self, key: str) -> Case | None:
        """The case ``key``, if it was measured."""
        return next((case for case in self.cases if case.key == key), None)

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values; seconds and bytes."""
        return {
            "version": 1,
            "partial": self.partial or None,
            "machine": dict(self.machine),
            "setting": dict(self.setting),
            "cases": [case_to_json(case) for case in self.cases],
            "targets": [
                {
                    "name": target.name,
                    "limit": target.limit,
                    "at_least": target.at_least,
                    "measured": target.measured,
                    "passed": target.passed,
                    "detail": target.detail,
                }
                for target in self.targets
            ],
        }


def case_of(value: Mapping[str, Any]) -> Case:
    """Read what ``case_to_json`` wrote."""
    samples = {name: Sample(tuple(each["values"])) for name, each in value["samples"].items()}
    return Case(value["key"], value["title"], value["unit"], value["warm"], samples)


def case_to_json(case: Case) -> dict[str, Any]:
    """Return a case as JSON values; seconds and bytes."""
    return {
        "key": case.key,
        "title": case.title,
        "unit": case.unit,
        "warm": case.warm,
        "samples": {
            name: {
                "median": sample.median,
                "min": sample.low,
                "max": sample.high,
                "values": list(sample.values),
            }
            for name, sample in case.samples.items()
        },
    }
