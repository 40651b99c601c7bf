"""What others wrote is shown, and neither obeyed by the terminal nor allowed to hide anything."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nox_buildkit.errors import Code, Location, NoxBuildkitError
from nox_buildkit.printable import redacted, shortened, visible, visible_lines
from nox_buildkit.report.console import choose, make_console
from nox_buildkit.report.summary import print_summary
from nox_buildkit.results.model import ImageResult

#: Sets the title of a window, erases a line, overwrites it, reverses what follows, hides itself.
HOSTILE = "a\x1b]0;title\x07\x1b[2K\rb\x9b31m\u202ec\u200bd\u2066\x00"
ESCAPED = r"a\x1b]0;title\x07\x1b[2K\rb\x9b31m\u202ec\u200bd\u2066\x00"


def test_what_a_terminal_would_obey_is_written_as_an_escape() -> None:
    assert visible(HOSTILE) == ESCAPED
    assert visible("grün 東京 😀 \\ 'x'") == "grün 東京 😀 \\ 'x'"
    assert visible("first\nnox > a forged line") == r"first\nnox > a forged line"
    assert visible(visible(HOSTILE)) == visible(HOSTILE)
    assert visible("\udcff") == r"\udcff"
    assert visible_lines(f"{HOSTILE}\n\tnext\r\n") == f"{ESCAPED}\n\tnext\\r\n"


@pytest.mark.parametrize("progress", ["plain", "rich", "json"])
def test_every_way_of_reporting_shows_it(progress: str) -> None:
    stream = io.StringIO()
    reporter = choose(progress, stream)  # type: ignore[arg-type]
    reporter.message(HOSTILE)
    reporter.close()
    print_summary(make_console(stream), [ImageResult("app", "sha256:0", (), warnings=(HOSTILE,))])
    written = stream.getvalue()
    assert written.count(ESCAPED) == 2
    assert "\u202e" not in written
    assert "\x1b]0" not in written


@pytest.mark.parametrize(
    "arguments",
    [
        ["--set", f"images.{HOSTILE.replace(chr(0), '')}=1"],
        ["--set", f"images.a\n{HOSTILE.replace(chr(0), '')}"],
        [HOSTILE.replace("\0", "")],
        ["--platform", HOSTILE.replace("\0", "")],
        [f"--{HOSTILE.replace(chr(0), '')}"],
    ],
)
def test_arguments_are_shown_in_one_line(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "noxfile.py").write_text("from nox_buildkit import register\n\nregister()\n")
    (tmp_path / "buildspec.yaml").write_text("{version: 1, images: {app: {}}}\n")
    done = subprocess.run(
        [sys.executable, "-m", "nox", "--no-color", "-s", "matrix", "--", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    _, reported = done.stderr.splitlines()
    assert "aborted" in reported
    assert r"\u202ec\u200b" in reported
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(reported)


def test_an_error_is_a_line_a_problem_and_never_a_flood() -> None:
    at = Location("buildspec.yaml", 3, 1)
    flood = NoxBuildkitError(*(Code.STEP(f"{n} {'x' * 9000} the end", "", at) for n in range(7000)))
    lines = str(flood).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "and 6980 more"
    assert len(str(flood)) < 64 * 1024
    assert lines[0].startswith("buildspec.yaml:3:1: 0 xxx")
    assert lines[0].endswith("x the end")


def test_credentials_are_taken_out_in_linear_time() -> None:
    assert redacted("see https://me:p@ss@h/x and git+ssh://git@h") == (
        "see https://***@h/x and git+ssh://***@h"
    )
    assert "secret" not in str(
        NoxBuildkitError(Code.INDEX("https://me:secret@index.example/: 404"))
    )
    # A signed address has in its query what lets its owner in.
    assert redacted('{source: "https://h/m.bin?sig=a/b", x: http://h/?t=1}, why? a://b?') == (
        '{source: "https://h/m.bin?***", x: http://h/?***}, why? a://b?'
    )
    began = time.process_time()
    for text in (
        *("a" * 1_000_000, "a://" * 250_000, "//a" * 300_000, "://" + "a@b" * 300_000),
        *("://" + "?" * 900_000, "a?://" * 200_000, "a://b? " * 100_000),
    ):
        redacted(text)
    assert time.process_time() - began < 2


def test_a_long_text_keeps_its_end() -> None:
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghijk", 10) == "abcdef…ijk"
