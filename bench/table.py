"""The results on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from bench import words
from bench.model import CONTENDERS, Results


def show(results: Results, console: Console) -> None:
    """Print every case, then every target."""
    table = Table(title="medians (lowest-highest)", title_justify="left")
    for heading in ("case", "contender", "measured", "runs", "x ours"):
        numeric = heading in ("measured", "runs", "x ours")
        table.add_column(heading, justify="right" if numeric else "left")
    for case in results.cases:
        first = case.title
        for name in CONTENDERS:
            if taken := case.samples.get(name):
                table.add_row(
                    first,
                    CONTENDERS[name],
                    words.sample(taken, case.unit),
                    str(len(taken.values)),
                    "" if results.partial else words.times(case, name),
                )
                first = ""
        table.add_section()
    console.print(table)
    promises = Table(title="targets", title_justify="left")
    for heading in ("target", "limit", "measured", "", "from"):
        promises.add_column(heading)
    colours = {True: "green", False: "red", None: "dim"}
    for target in results.targets:
        promises.add_row(
            target.name,
            words.limit(target),
            words.measured(target),
            f"[{colours[target.passed]}]{words.verdict(target)}[/]",
            target.detail,
        )
    console.print(promises)
    if results.partial:
        console.print(f"[bold yellow]not a result: {results.partial}[/]")
