"""Seconds, bytes and ratios as people read them."""

from __future__ import annotations

from bench.model import Case, Sample, Target, Unit


def value(number: float, unit: Unit) -> str:
    """``0.44 s``, ``12.1 s``, ``351 s``; ``4.2 kB``, ``53.6 MB`` (SI)."""
    if unit == "s":
        digits = 2 if number < 10 else 1 if number < 100 else 0
        return f"{number:.{digits}f} s"
    for factor, name in ((1e6, "MB"), (1e3, "kB")):
        if number >= factor:
            return f"{number / factor:.1f} {name}"
    return f"{number:.0f} B"


def sample(taken: Sample, unit: Unit) -> str:
    """The median, and in brackets the range if there is one."""
    median = value(taken.median, unit)
    low, high = value(taken.low, unit), value(taken.high, unit)
    return median if low == high else f"{median} ({low.rpartition(' ')[0]}-{high})"


def times(case: Case, contender: str) -> str:
    """How many times more than ours a peer takes; empty where that means nothing."""
    ours, theirs = case.median(case.compared), case.median(contender)
    if not ours or theirs is None or contender not in ("pip", "uv"):
        return ""
    ratio = theirs / ours
    return f"{ratio:.0f}x" if ratio >= 10 else f"{ratio:.1f}x"


def verdict(target: Target) -> str:
    """``pass``, ``FAIL`` or ``not measured``."""
    return {True: "pass", False: "FAIL", None: "not measured"}[target.passed]


def limit(target: Target) -> str:
    """``at least 40``, ``at most 1.3``."""
    return f"at {'least' if target.at_least else 'most'} {target.limit:g}"


def measured(target: Target) -> str:
    """The ratio that was measured."""
    return "" if target.measured is None else f"{target.measured:.2f}"
