"""The report for people: a line an answer, what mends it below, no wider than a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from nox_buildkit.doctor.finding import Finding, Verdict, worst

_STYLES: dict[Verdict, str] = {"ok": "green", "warning": "yellow", "problem": "bold red"}
_WIDTH, _NARROW, _WIDE = 80, 40, 110
_VERDICT = max(map(len, _STYLES)) + 2


def print_report(console: Console, findings: Sequence[Finding]) -> None:
    """Print what was found; what is no terminal has 80 columns."""
    width = console.width if console.is_terminal else _WIDTH
    for verdict, line in lines(findings, max(_NARROW, min(width, _WIDE))):
        text = Text(line)
        if verdict:
            text.stylize(_STYLES[verdict], 0, _VERDICT)
        console.print(text, soft_wrap=True)
    console.print(Text(_sum(findings)), soft_wrap=True)


def lines(findings: Sequence[Finding], width: int) -> Iterator[tuple[Verdict | None, str]]:
    """Yield lines of at most ``width`` columns, those that begin with a verdict with it."""
    names = max((len(finding.check) for finding in findings), default=0) + 2
    indent = " " * (_VERDICT + names)
    shown = ""
    for finding in findings:
        # The name of several answers in a row is said once.
        name = "" if finding.check == shown else finding.check
        shown = finding.check
        head = f"{finding.verdict:{_VERDICT}}{name:{names}}"
        first, *more = _wrapped(finding.sentence, width, head, indent)
        yield finding.verdict, first
        for line in (*more, *_fix(finding, width, indent)):
            yield None, line


def _fix(finding: Finding, width: int, indent: str) -> list[str]:
    return _wrapped(finding.fix, width, f"{indent}> ", f"{indent}  ") if finding.fix else []


def _wrapped(text: str, width: int, first: str, rest: str) -> list[str]:
    # A path, or a word of a command, is not taken apart: it is copied.
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest,
        break_long_words=False, break_on_hyphens=False,
    ) or [first]  # fmt: skip


def _sum(findings: Sequence[Finding]) -> str:
    counts = [
        f"{count} {word}{'s' * (count != 1)}"
        for word in ("problem", "warning")
        if (count := sum(finding.verdict == word for finding in findings))
    ]
    return "nothing is wrong" if worst(findings) == "ok" else " and ".join(counts)
