"""Contenders take turns: what the machine does meanwhile hits all of them alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.model import Sample

#: Measures once: seconds, or bytes.
Measure = Callable[[], float]


def interleave(
    measures: Mapping[str, Measure],
    rounds: int,
    *,
    once: frozenset[str] = frozenset(),
    before: Callable[[int], None] | None = None,
) -> dict[str, Sample]:
    """Measure each contender ``rounds`` times, in rounds that each begin with another one.

    Those in ``once`` take part in the last round alone. ``before`` is called at the start of every
    round with its number from 0.
    """
    values: dict[str, list[float]] = {name: [] for name in measures}
    names = list(measures)
    for number in range(rounds):
        if before:
            before(number)
        start = number % len(names)
        for name in (*names[start:], *names[:start]):
            if name not in once or number == rounds - 1:
                values[name].append(measures[name]())
    return {name: Sample(tuple(taken)) for name, taken in values.items()}
