"""The results as a page that the README can quote."""

from __future__ import annotations

from collections.abc import Iterator

from bench import words
from bench.model import CONTENDERS, Case, Results

_COLUMNS = ("pip", "uv", "ours")


def page(results: Results) -> str:
    """results.md: the table, the promises, and under what conditions."""
    return "\n".join([*_lines(results), ""])


def _lines(results: Results) -> Iterator[str]:
    yield "<!-- Written by `nox -s bench`; do not edit. -->"
    if results.partial:
        yield from ("", f"**Not a result: {results.partial}.**")
    yield ""
    yield f"| | {' | '.join(CONTENDERS[name] for name in _COLUMNS)} |"
    yield "|---|---:|---:|---:|"
    for case in results.cases:
        cells = [_cell(case, name) for name in _COLUMNS]
        # What no peer was measured at is below.
        if any(cells[:-1]):
            yield f"| {case.title} | {' | '.join(cells)} |"
    yield from ("", "| promise | limit | measured | |", "|---|---|---:|---|")
    for target in results.targets:
        cells = [target.name, words.limit(target), words.measured(target), words.verdict(target)]
        yield f"| {' | '.join(cells)} |"
    yield from _beside(results)
    yield from ("", "### How it was measured", "")
    for name, text in results.setting.items():
        yield f"- {name}: {text}."
    yield f"- Machine: {', '.join(f'{k} {v}' for k, v in results.machine.items())}."


def _cell(case: Case, name: str) -> str:
    """What is compared, and for ours what other users see beside it."""
    shown = case.compared if name == "ours" else name
    if shown not in case.samples:
        return ""
    text = words.value(case.samples[shown].median, case.unit)
    if shown != name:
        return f"{text}; {words.value(case.samples[name].median, case.unit)} with warm byte code"
    if name == "ours" and (planned := case.median("ours-planned")) is not None:
        return f"{text}; {words.value(planned, case.unit)} planned anew"
    return text


def _beside(results: Results) -> Iterator[str]:
    yield from ("", "### Everything measured", "")
    yield from (
        "| case | contender | median | lowest | highest | runs |",
        "|---|---|---:|---:|---:|---:|",
    )
    for case in results.cases:
        for name, label in CONTENDERS.items():
            if taken := case.samples.get(name):
                numbers = (words.value(n, case.unit) for n in (taken.median, taken.low, taken.high))
                yield f"| {case.title} | {label} | {' | '.join(numbers)} | {len(taken.values)} |"
    yield ""
    for case in results.cases:
        if case.warm:
            yield f"- {case.title}: {case.warm}."
