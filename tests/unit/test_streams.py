"""Standard output and standard error without a reader, without room, and in other encodings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nox_buildkit.build import records
from nox_buildkit.results.model import ImageResult, Publication

#: Says something to people, and goes on to what the last line prints.
PROGRAM = """\
import sys
from pathlib import Path
from nox_buildkit.perform import attempt
from nox_buildkit.report.console import choose, downloads, make_console, say

def work():
    say("begun")
    with downloads() as report:
        report.message("fetched")
    choose("plain").message("building")
    make_console(sys.stderr).print("a table")
    print("progress", flush=True)
    Path("done").write_text("")
    print("the result …, ö, 名")

sys.exit(bool(attempt(work)))
"""
MODULE = ("-m", "nox_buildkit")


def _run(
    folder: Path, *words: str, unread: str = "", **env: str
) -> subprocess.CompletedProcess[bytes]:
    """Run Python; nobody reads the streams ``unread``."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env={**os.environ, **env},
            stdout=writer if "stdout" in unread else subprocess.PIPE,
            stderr=writer if "stderr" in unread else subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writer)


@pytest.mark.parametrize("unread", ["stdout", "stderr", "stdout stderr"])
def test_work_goes_on_though_nobody_reads_of_it(tmp_path: Path, unread: str) -> None:
    done = _run(tmp_path, "-c", PROGRAM, unread=unread, PYTHONUTF8="1")

    assert done.returncode == 0
    assert (tmp_path / "done").exists()
    if "stdout" not in unread:
        assert done.stdout.decode() == "progress\nthe result …, ö, 名\n"
    if "stderr" not in unread:
        assert done.stderr.decode() == "begun\nfetched\nbuilding\na table\n"


@pytest.mark.parametrize("unread", ["stdout", "stderr", "stdout stderr"])
def test_a_failure_is_one_though_nobody_reads_of_it(tmp_path: Path, unread: str) -> None:
    (tmp_path / "buildspec.yaml").write_text("version: 1\nimages: {a: {bse: debian}}\n")

    assert _run(tmp_path, *MODULE, "check", unread=unread).returncode == 3
    assert _run(tmp_path, *MODULE, "no-session", unread=unread).returncode == 2


@pytest.mark.parametrize("words", [["--help"], ["explain", "NBK101"], ["build", "-h"], ["schema"]])
def test_a_reader_that_has_seen_enough_is_nobodys_mistake(tmp_path: Path, words: list[str]) -> None:
    done = _run(tmp_path, *MODULE, *words, unread="stdout")

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("words", [["--help"], ["explain", "NBK101"], ["build", "-h"], ["schema"]])
def test_a_result_that_there_is_no_room_for_is_a_failure(tmp_path: Path, words: list[str]) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, *MODULE, *words],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert (done.returncode, done.stderr) == (1, "No space left on device\n")


def test_a_character_that_an_encoding_lacks_is_an_escape(tmp_path: Path) -> None:
    done = _run(tmp_path, "-c", PROGRAM, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("latin-1") == "progress\nthe result \\u2026, ö, \\u540d\n"

    # Somebody's own choice is kept.
    done = _run(tmp_path, "-c", PROGRAM, PYTHONIOENCODING="ascii:replace")
    assert done.stdout == b"progress\nthe result ?, ?, ?\n"


def test_yaml_for_programs_is_utf_8_in_every_locale(tmp_path: Path) -> None:
    digest = f"sha256:{'0' * 64}"
    published = (Publication("registry.example/web", digest),)
    (tmp_path / "dist").mkdir()
    result = ImageResult("web", digest, (), publications=published)
    records.write(tmp_path / "dist" / "release.json", [result], {"web": ""})
    (tmp_path / "one.yaml").write_text("# größer …\nimage: image://web\n", encoding="utf-8")
    (tmp_path / "two.yaml").write_text("other: 1", encoding="utf-8")

    words = (*MODULE, "resolve", "one.yaml", "two.yaml")
    done = _run(tmp_path, *words, PYTHONIOENCODING="latin-1")

    assert done.returncode == 0, done.stderr
    resolved = f"# größer …\nimage: registry.example/web@{digest}\n---\nother: 1\n"
    assert done.stdout.decode() == resolved
    told = json.loads(_run(tmp_path, *words, "--json", PYTHONIOENCODING="latin-1").stdout)
    assert told["files"][1] == {"path": "two.yaml", "text": "other: 1"}
