"""The live view on a screen, as somebody sees it who watches a build."""

from __future__ import annotations

import io
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import pyte
import pytest
from rich.console import Console
from rich.text import Text

from nox_buildkit.release.counted_file import CountedFile
from nox_buildkit.report.block import Block
from nox_buildkit.report.transfers import TransferBars
from tests.support.terminal import TERM, Terminal, reflowed, terminal

pytestmark = [pytest.mark.engine, pytest.mark.alone]

ROOT = Path(__file__).parents[3]
STREAMS = ROOT / "tests" / "unit" / "streams"
#: The frames of rich's spinner "dots".
TURNING = tuple("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
PLACES = [
    f"{image}{gap}{place}"
    for image, gap in (("hello", " "), ("api", "   "))
    for place in ("shared", "linux/amd64", "linux/arm64")
]


@contextmanager
def playing(
    stream: str,
    *images: str,
    size: tuple[int, int] = (80, 24),
    pause: float = 0.01,
    lines: int = 0,
    env: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Terminal]:
    """A recorded build in a terminal; ``pause``: seconds between its lines.

    After ``lines``, if they are stated, nothing follows.
    """
    command = [sys.executable, "-m", "tests.support.play", str(STREAMS / f"{stream}.jsonl")]
    inherited = {k: v for k, v in os.environ.items() if k not in ("CI", "NO_COLOR", "COLUMNS")}
    env = {**inherited, "TERM": TERM, "LC_ALL": "C.UTF-8", **env}
    with terminal([*command, *images, str(pause), str(lines)], *size, cwd=ROOT, env=env) as shown:
        yield shown


def is_running(shown: Terminal) -> bool:
    """Tell whether some row has a step that runs: its mark turns."""
    return any(line.startswith(TURNING) for line in shown.lines)


def rows_of(shown: Terminal) -> list[str]:
    """The rows of the view that was left standing: what is between the messages."""
    lines = shown.lines
    assert lines[0] == "above"
    assert lines[-1] == "below"
    return lines[1:-1]


@pytest.mark.parametrize("columns", [80, 110, 200])
def test_every_row_is_whole_at_the_end_and_the_cursor_is_back(columns: int) -> None:
    with playing("two-images", "hello", "api", size=(columns, 24)) as shown:
        shown.until(lambda: "1/3" in shown.text)
        assert not shown.has_cursor()
        assert shown.end() == 0
    assert shown.has_cursor()
    assert [row[2 : 2 + len(place)] for row, place in zip(rows_of(shown), PLACES, strict=True)] == (
        PLACES
    )
    assert all(row.startswith("✓ ") and " done " in row for row in rows_of(shown))
    assert "…" not in shown.text
    assert ("━━━" in shown.text) is (columns > 80)


@pytest.mark.parametrize(("before", "after"), [(110, 80), (80, 110), (200, 40)])
def test_a_resize_in_the_middle_leaves_no_line_behind(before: int, after: int) -> None:
    with playing("two-images", "hello", "api", size=(before, 30), pause=0.03) as shown:
        shown.until(lambda: "arm64" in shown.text)
        shown.resize(after, 30)
        assert shown.end() == 0
    text = shown.text
    for place in PLACES:
        assert sum(place in line for line in text.splitlines()) == 1, text
    assert max(map(len, shown.lines)) <= after
    assert shown.has_cursor()
    rows_of(shown)


def test_a_terminal_that_is_resized_all_the_time_has_each_row_once() -> None:
    with playing("two-images", "hello", "api", size=(120, 30), pause=0.03) as shown:
        for columns in (70, 118, 44, 100, 81, 200, 60, 90):
            seen = len(shown.written)
            shown.until(lambda seen=seen: len(shown.written) > seen + 300)  # type: ignore[misc]
            shown.resize(columns, 30)
        assert shown.end() == 0
    assert [line.split()[1:3] for line in rows_of(shown)] == [place.split() for place in PLACES]


def test_ctrl_c_leaves_the_rows_as_they_were_and_gives_the_cursor_back() -> None:
    # Between two steps, no row is stopped: the first one begins before this line, and does not end.
    with playing("two-images", "hello", "api", lines=12) as shown:
        shown.until(lambda: is_running(shown))
        assert not shown.has_cursor()
        shown.press(b"\x03")
        assert shown.end() != 0
    assert shown.has_cursor()
    assert any(line.startswith("- ") for line in shown.lines)


def test_a_failure_is_marked_and_gives_the_cursor_back() -> None:
    with playing("no-wheel", "hello") as shown:
        shown.end()
    assert shown.has_cursor()
    failed = [line for line in shown.lines if line.startswith("✗ ")]
    assert len(failed) == 1
    assert "linux/arm64" in failed[0]
    assert "native packages" in failed[0]


def test_what_compiles_is_named_with_its_version_its_time_and_what_it_writes() -> None:
    with playing("compiling", "shop", "worker", size=(110, 40)) as shown:
        shown.until(lambda: "compiling uwsgi 2.0.28" in shown.text)
        shown.until(lambda: "compiling netifaces 0.11.0, emulated" in shown.text)


def test_bytes_have_a_rate() -> None:
    with playing("compiling", "shop", "worker", size=(110, 40)) as shown:
        shown.until(lambda: " of 140 MB, " in shown.text and "MB/s" in shown.text)


@pytest.mark.parametrize(
    "env", [{"TERM": "dumb"}, {"CI": "true"}, {"TERM": ""}], ids=["dumb", "ci", "none"]
)
def test_where_nothing_can_be_redrawn_there_are_lines(env: Mapping[str, str]) -> None:
    with playing("two-images", "hello", "api", size=(200, 60), env=env) as shown:
        assert shown.end() == 0
    assert b"\x1b" not in shown.written
    assert "[hello linux/arm64] native packages 1/2: done in 1.2 s" in shown.lines


def test_no_color_has_no_colour_and_the_same_rows() -> None:
    with playing("two-images", "hello", "api", env={"NO_COLOR": "1"}) as shown:
        shown.until(lambda: "packages" in shown.text)
        assert shown.end() == 0
    colours = {c.fg for line in shown.screen.buffer.values() for c in line.values()}
    assert colours == {"default"}
    assert len(rows_of(shown)) == len(PLACES)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    with playing(
        "two-images", "hello", "api", env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    ) as shown:
        assert shown.end() == 0
    assert shown.written.isascii()
    assert all(row.startswith("+ ") for row in rows_of(shown))


def test_rows_that_do_not_fit_are_counted() -> None:
    with playing("two-images", "hello", "api", size=(80, 6), pause=0.05) as shown:
        shown.until(lambda: "more" in shown.text)
        assert max(map(len, shown.lines)) <= 80
        assert shown.end() == 0
    assert shown.has_cursor()


class Screen(io.StringIO):
    """A stream that a screen shows."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.screen = pyte.Screen(columns, 20)

    def write(self, text: str) -> int:
        # As a terminal driver does it.
        pyte.Stream(self.screen).feed(text.replace("\n", "\r\n"))
        return len(text)

    @property
    def lines(self) -> list[str]:
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip("\n").split("\n")


@pytest.mark.parametrize("after", [30, 45, 60, 80, 120])
def test_in_a_terminal_that_wraps_again_nothing_is_left_behind_either(after: int) -> None:
    stream = Screen(80)
    console = Console(file=stream, force_terminal=True, width=80, height=20, color_system=None)
    block = Block(console, {"TERM": "xterm-256color"})
    console.print("above")
    block.draw([Text("a" * 79), Text("short"), Text("b" * 50)])
    stream.screen = reflowed(stream.screen, after)
    console.size = (after, 20)
    block.draw([Text("one"), Text("two")])
    block.end()
    console.print("below")
    assert stream.lines == ["above", "one", "two", "below"]


@pytest.mark.parametrize("columns", [60, 80, 110])
def test_transfers_have_bars_with_a_rate_and_leave_nothing_behind(columns: int) -> None:
    stream = Screen(columns)
    bars = TransferBars(
        Console(file=stream, force_terminal=True, width=columns, height=20, color_system=None)
    )
    names = ["ghcr.io/somebody/shop@sha256:0123456789ab", "packages"]
    bars.message("first")
    for part in range(1, 8):
        for name in names:
            bars.transfer(name, part * 1_000_000, 28_600_000)
        time.sleep(0.03)
        bars.message(f"after {part}")
    text = "".join(stream.lines)
    assert re.search(r"packages.*7.00 of 28.6 MB, .* [kM]B/s", text)
    assert names[0] in text
    assert max(map(len, stream.lines)) <= columns
    assert stream.screen.cursor.hidden
    bars.transfer("packages", 28_600_000, 28_600_000)
    bars.close()
    assert stream.lines == ["first", *(f"after {part}" for part in range(1, 8))]
    assert not stream.screen.cursor.hidden


def test_a_file_that_is_sent_tells_how_far(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(bytes(100))
    told: list[int] = []
    with CountedFile(tmp_path / "blob", told.append) as file:
        while file.read(40):
            pass
    assert told == [40, 80, 100, 100]
