from __future__ import annotations

import io
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TextIO

import pytest
from rich.console import Console

from nox_buildkit.engine.bake import Update
from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.report import figures
from nox_buildkit.report.console import choose, downloads, make_console, print_lines
from nox_buildkit.report.live import LiveView
from nox_buildkit.report.plain import Plain

Recorded = Callable[..., Any]
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    """A stream that really is a terminal."""
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as stream:
        yield stream
    os.close(master)


def _played(stream: Any, reporter: Any) -> None:
    for update in stream.updates(BuildProgress(stream.images)):
        reporter.event(update)
    reporter.close()
    reporter.close()


def _plain(stream: Any, *, verbose: bool = False) -> list[str]:
    out = io.StringIO()
    _played(stream, Plain(out, verbose=verbose))
    assert "\r" not in out.getvalue()
    assert "\x1b" not in out.getvalue()
    return out.getvalue().splitlines()


def _live(stream: Any, width: int = 100, **options: Any) -> str:
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=True, width=width, height=30, color_system="standard", **options
    )
    _played(stream, LiveView(console))
    return out.getvalue()


def test_plain_says_which_image_and_platform_every_line_is_about(recording: Recorded) -> None:
    lines = _plain(recording("two-images", "hello", "api"))
    assert "[hello linux/arm64] native packages 1/2: done in 1.2 s" in lines
    assert any(line.startswith("[hello] pure-Python packages 1/3: RUN echo pure") for line in lines)
    assert "[hello] export: done in 3.2 s" in lines
    assert all(re.match(r"\[[^]]+\] \S", line) for line in lines)


def test_plain_tells_cached_steps_from_executed_ones(recording: Recorded) -> None:
    lines = _plain(recording("source-changed"))
    assert "[hello linux/arm64] native packages 1/2: CACHED" in lines
    assert "[hello] application 3/5: done in 0.0 s" in lines


def test_plain_says_what_failed_and_shows_logs_only_when_asked(recording: Recorded) -> None:
    quiet = _plain(recording("step-fails"))
    assert any(re.match(r"\[hello linux/amd64\] application 1/2: FAILED after", x) for x in quiet)
    assert not any("| line 2" in line for line in quiet)
    assert "[hello linux/amd64] application 1/2: | line 2" in _plain(
        recording("step-fails"), verbose=True
    )


def test_plain_names_what_is_compiled_and_says_that_it_is_emulated(recording: Recorded) -> None:
    stream = recording("compiling", "shop", "worker")
    out = io.StringIO()
    reporter = Plain(out)
    for update in stream.updates(BuildProgress(stream.images, emulated={"linux/arm64"})):
        reporter.event(update)
    lines = out.getvalue().splitlines()
    place, said = "[shop linux/arm64] compiling netifaces 0.11.0, emulated: ", "still running after"
    assert any(line.startswith(f"{place}done in 8 min") for line in lines)
    assert not any(said in line and "uwsgi" in line and "emulated" in line for line in lines)


def test_brief_says_only_what_takes_a_while_and_what_fails(recording: Recorded) -> None:
    out = io.StringIO()
    _played(recording("two-images", "hello", "api"), Plain(out, brief=True))
    lines = out.getvalue().splitlines()
    assert lines
    assert all(re.search(r": done in ([3-9]|\d\d)\.\d s$", line) for line in lines), lines
    out = io.StringIO()
    _played(recording("step-fails"), Plain(out, brief=True))
    assert "FAILED after" in out.getvalue()


def test_plain_gives_a_sign_of_life_every_half_minute(recording: Recorded) -> None:
    stream = recording("engine-gone", platforms=("linux/amd64",))
    progress, updates = stream.play()
    out = io.StringIO()
    reporter = Plain(out)
    for update in updates:
        reporter.event(update)
    last = updates[-1].now
    for second in range(1, 100):
        reporter.event(Update(progress, last + second))
    signs = [line for line in out.getvalue().splitlines() if "still running" in line]
    assert len(signs) == 3
    assert re.fullmatch(
        r"\[hello linux/amd64\] application 1/2: still running after \d\d s", signs[0]
    )


def test_live_has_a_row_an_image_and_platform_and_gives_the_cursor_back(
    recording: Recorded,
) -> None:
    output = _live(recording("two-images", "hello", "api"))
    assert output.rstrip().endswith("\x1b[?25h")
    final = ESCAPE.sub("", output).split("\r")[-1]
    for row in ("hello shared", "hello linux/amd64", "hello linux/arm64", "api linux/arm64"):
        assert re.search(rf"✓ {row.replace(' ', ' +')} +done .* [34]/[34]", final), final
    seen = ESCAPE.sub("", output)
    for part in ("pure-Python packages 1/3", "native packages 1/2", "export"):
        assert part in seen


def test_live_marks_the_row_that_failed(recording: Recorded) -> None:
    final = ESCAPE.sub("", _live(recording("no-wheel"))).split("\r")[-1]
    assert re.search(r"✗ hello linux/arm64 +native packages 1/2 +", final)
    assert re.search(r"✓|- hello linux/amd64", final)


@pytest.mark.parametrize("width", [30, 50, 70, 100])
def test_live_fits_the_terminal(recording: Recorded, width: int) -> None:
    output = ESCAPE.sub("", _live(recording("two-images", "hello", "api"), width=width))
    lines = [line for part in output.split("\r") for line in part.splitlines()]
    assert max(len(line.rstrip()) for line in lines) <= width


def test_live_says_how_many_rows_do_not_fit(recording: Recorded) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, height=5)
    _played(recording("two-images", "hello", "api"), LiveView(console))
    assert "and 3 more" in out.getvalue()


def test_auto_is_live_in_a_terminal_alone(terminal: TextIO) -> None:
    shell = {"TERM": "xterm-256color"}
    assert isinstance(choose("auto", terminal, env=shell), LiveView)
    assert isinstance(choose("auto", io.StringIO(), env=shell), Plain)
    assert isinstance(choose("auto", terminal, env={"TERM": "dumb"}), Plain)
    assert isinstance(choose("auto", terminal, env={**shell, "CI": "true"}), Plain)
    assert isinstance(choose("plain", terminal, env=shell), Plain)
    assert isinstance(choose("rich", io.StringIO(), env=shell), LiveView)


@pytest.mark.parametrize(
    ("env", "coloured"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colour_follows_the_environment(
    terminal: TextIO, env: dict[str, str], coloured: bool
) -> None:
    console = make_console(terminal, env)
    with console.capture() as captured:
        console.print("text", style="red")
    assert ("\x1b[31m" in captured.get()) is coloured


def test_force_color_colours_a_pipe_unless_no_color_is_set() -> None:
    for env, coloured in (
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ):
        out = io.StringIO()
        make_console(out, {"TERM": "xterm-256color", **env}).print("text", style="red")
        assert ("\x1b[31m" in out.getvalue()) is coloured


def test_json_is_alone_on_stdout(recording: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    human = io.StringIO()
    reporter = choose("json", human)
    reporter.message("for people")
    _played(recording("no-wheel"), reporter)
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert human.getvalue() == "for people\n"


def test_the_end_of_a_log_is_set_apart() -> None:
    out = io.StringIO()
    print_lines(Plain(out), "last lines:", ["one", "two"])
    print_lines(Plain(out), "nothing:", [])
    assert out.getvalue() == "last lines:\n  | one\n  | two\n"


def test_downloads_in_a_log_are_lines() -> None:
    out = io.StringIO()
    with downloads(out, {}) as progress:
        for done in range(0, 84_000_001, 1_000_000):
            progress.transfer("engine", done, 84_000_000)
    assert out.getvalue().splitlines() == ["engine: 0 B of 84.0 MB", "engine: 84.0 MB of 84.0 MB"]


class _Slow(io.StringIO):
    """Lets other threads write between any two writes of one."""

    def write(self, text: str) -> int:
        time.sleep(0.001)
        return super().write(text)


def test_threads_tell_of_their_downloads_in_whole_lines() -> None:
    out = _Slow()
    with downloads(out, {}) as progress, ThreadPoolExecutor(8) as threads:
        for number in range(40):
            threads.submit(progress.transfer, f"part {number}", 1, 1)
            threads.submit(progress.message, f"message {number}")
    told = {f"part {number}: 1 B of 1 B" for number in range(40)}
    told |= {f"message {number}" for number in range(40)}
    assert set(out.getvalue().splitlines()) == told


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (28_640_000, "28.6 MB"),
        (999_600, "1.00 MB"),
        (987_000_000, "987 MB"),
        (6_870_000_000, "6.87 GB"),
        (12_345_000_000_000, "12345 GB"),
    ],
)
def test_sizes_have_three_digits(count: int, text: str) -> None:
    assert figures.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (12.34, "12.3 s"), (59.96, "1 min 00 s"), (185, "3 min 05 s")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert figures.duration(seconds) == text
