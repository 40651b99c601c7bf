"""Writes explanation/cross-compiling.md: what `nox -s crossing` found out on this machine.

Run it from the root of the project: ``python -m docs.cross_compiling``
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.support.crossed_packages import MOST_DOWNLOADED, OTHERS, Case
from tests.support.crossings import ARM64, OTHER_PLATFORMS, SLOWER, Crossing, kept

PAGE = Path(__file__).parent / "explanation/cross-compiling.md"
_HEAD = "| sources | for the machine itself | cross-compiled | times |"
_RULE = "| --- | ---: | ---: | ---: |"


def page() -> str:
    """The page, of the records beside it."""
    return "\n".join(_page())


def _page() -> Iterator[str]:
    everything = kept()
    records = everything.get(ARM64, {})
    found = [records[case.name] for case in MOST_DOWNLOADED if case.name in records]
    crossed = [one for one in found if not one.reason]
    good = [one for one in crossed if one.good]
    processors = sorted({one.processors for by in everything.values() for one in by.values()})
    yield "# Packages that were cross-compiled"
    yield ""
    yield from _paragraph(
        "`nox -s crossing` takes the newest sources of packages with C, C++, Cython or Rust in "
        f"them, and compiles them in one build for the machine itself and for {ARM64}, one "
        "after the other. The wheel is installed into an image, which is started under QEMU, where "
        "a program calls the machine code of the package. This page is what it found; "
        "`python -m docs.cross_compiling` writes it. How it is done: "
        "[Compiling](../guide/compiling.md#for-a-platform-that-no-machine-of-the-builder-has)."
    )
    yield from _paragraph(
        f"Of the {len(MOST_DOWNLOADED)} packages of that kind that are downloaded most, "
        f"{len(found)} were tried: {len(crossed)} cross-compiled and ran, {len(good)} of them in "
        f"at most {SLOWER} times the time that they take for the machine itself. Seconds of "
        f"{' or '.join(map(str, processors))} processors, with the download of build requirements."
    )
    yield from _table(records, MOST_DOWNLOADED)
    if any(case.name in records for case in OTHERS):
        yield "## Further packages"
        yield ""
        yield from _table(records, OTHERS)
    for platform in OTHER_PLATFORMS:
        if platform in everything:
            yield f"## For {platform}"
            yield ""
            yield from _table(everything[platform], (*MOST_DOWNLOADED, *OTHERS))


def _table(records: Mapping[str, Crossing], cases: Sequence[Case]) -> Iterator[str]:
    yield from (_HEAD, _RULE)
    for one in (records[case.name] for case in cases if case.name in records):
        times = f"{one.cross / one.native:.2f}" if one.native else ""
        said = f"emulated: {one.reason}" if one.reason else f"{one.cross:.1f} s"
        yield f"| {one.sources} | {one.native:.1f} s | {said} | {times} |"
    yield ""


def _paragraph(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, 100, break_on_hyphens=False, break_long_words=False)
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
