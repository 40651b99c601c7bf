"""The timed cases as a bar chart: SVG, readable on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from bench import words
from bench.model import CONTENDERS, Case, Results

#: The contenders that get a bar, from top to bottom.
BARS = ("pip", "uv", "ours", "ours-cold", "bare", "floor")

_WIDTH, _LEFT, _RIGHT = 860, 236, 96
_TOP, _BAR, _GAP, _GROUP = 84, 16, 5, 34

# Chosen to differ in lightness too, so that they can be told apart without colour.
_STYLE = """
  .page { fill: #ffffff } .text { fill: #1f2328 } .soft { fill: #59636e }
  .grid { stroke: #d1d9e0 } .pip { fill: #8c959f } .uv { fill: #bf8700 } .ours { fill: #0969da }
  .ours-cold { fill: #54aeff } .bare { fill: #afb8c1 } .floor { fill: #c4ccd4 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .text { fill: #f0f6fc } .soft { fill: #9198a1 }
    .grid { stroke: #3d444d } .pip { fill: #6e7681 } .uv { fill: #d29922 } .ours { fill: #4493f8 }
    .ours-cold { fill: #1f5fb0 } .bare { fill: #484f58 } .floor { fill: #57606a }
  }
  text { font: 13px -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', Helvetica, sans-serif }
  .title { font-size: 17px; font-weight: 600 } .case { font-weight: 600 } .small { font-size: 12px }
"""


@dataclass(frozen=True, slots=True)
class _Scale:
    """A logarithmic scale from ``low`` to ``high`` seconds, both powers of ten."""

    low: float
    high: float

    def x(self, seconds: float) -> float:
        share = math.log10(max(seconds, self.low) / self.low) / math.log10(self.high / self.low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def ticks(self) -> list[float]:
        first, last = round(math.log10(self.low)), round(math.log10(self.high))
        return [10.0**power for power in range(first, last + 1)]


def chart(results: Results) -> str:
    """chart.svg; cases in seconds alone, as lengths of several powers of ten."""
    cases = [case for case in results.cases if case.unit == "s" and _bars(case)]
    scale = _scale(cases)
    heights = [_GROUP + len(_bars(case)) * (_BAR + _GAP) for case in cases]
    bottom = _TOP + sum(heights)
    height = bottom + 64
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="title desc">',
        '<title id="title">Build times of nox-buildkit, pip and uv side by side</title>',
        f'<desc id="desc">{escape(_description(cases))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{height}" rx="6"/>',
        _text(20, 32, "Seconds, by case (shorter is better)", "text title"),
        _text(20, 54, _subtitle(results), "soft small"),
        *_grid(scale, bottom),
    ]
    top = _TOP
    for case, group in zip(cases, heights, strict=True):
        parts += _group(case, scale, top, ratios=not results.partial)
        top += group
    parts += [
        _text(20, bottom + 46, "Logarithmic scale: each grid line is ten times the one before; "
              "bars show orders of magnitude, not proportions.", "soft small"),
        "</svg>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _bars(case: Case) -> list[str]:
    return [name for name in BARS if name in case.samples]


def _scale(cases: Sequence[Case]) -> _Scale:
    medians = [sample.median for case in cases for sample in case.samples.values()] or [1.0]
    low, high = min(medians), max(medians)
    # A bar starts one step before the smallest value, or that value would have no length.
    floor = math.floor(math.log10(low) - 0.15)
    return _Scale(10.0**floor, 10.0 ** max(math.ceil(math.log10(high)), floor + 1))


def _grid(scale: _Scale, bottom: int) -> Iterator[str]:
    for tick in scale.ticks():
        x = scale.x(tick)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{bottom}"/>'
        yield _text(x, bottom + 18, f"{tick:g} s", "soft small", anchor="middle")


def _group(case: Case, scale: _Scale, top: float, *, ratios: bool) -> Iterator[str]:
    yield _text(20, top + 16, case.title, "text case")
    y = top + 24
    for name in _bars(case):
        median = case.samples[name].median
        end = scale.x(median)
        note = words.times(case, name) if ratios else ""
        label = words.value(median, "s") + (f", {note} ours" if note else "")
        yield _text(_LEFT - 8, y + 12.5, CONTENDERS[name], "soft small", anchor="end")
        yield (
            f'<rect class="{name}" x="{_LEFT}" y="{y:.1f}" width="{max(end - _LEFT, 2):.1f}" '
            f'height="{_BAR}" rx="2"/>'
        )
        yield _text(end + 6, y + 12.5, label, "text small")
        y += _BAR + _GAP


def _subtitle(results: Results) -> str:
    if results.partial:
        return f"NOT A RESULT: {results.partial}"
    machine = results.machine
    return f"{machine.get('processor', '')}, {machine.get('cores', '?')} cores; medians"


def _description(cases: Sequence[Case]) -> str:
    lines = []
    for case in cases:
        values = (
            f"{CONTENDERS[name]} {words.value(case.samples[name].median, 's')}"
            for name in _bars(case)
        )
        lines.append(f"{case.title}: {', '.join(values)}.")
    return " ".join(lines)


def _text(x: float, y: float, text: str, classes: str, *, anchor: str = "start") -> str:
    where = f'x="{x:.1f}" y="{y:.1f}"'
    return f'<text {where} class="{classes}" text-anchor="{anchor}">{escape(text)}</text>'
