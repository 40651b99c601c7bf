"""``python -m nox_buildkit``: sessions without nox, with an exit status for each family."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from nox_buildkit.arguments.parser import session_names


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nox_buildkit", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("spec", "words", "status", "code"),
    [
        ("version: 1\nimages: {a: {bse: debian}}", ["plan"], 3, "NBK203"),
        ("version: 1\nimages: {a: {}}", ["plan", "--jsn"], 2, "NBK101"),
        (
            "version: 1\nimages: {a: {base: debian, python: '3.9', requirements: none}}",
            ["plan"],
            4,
            "NBK304",
        ),
    ],
)
def test_the_exit_status_is_that_of_the_family(
    tmp_path: Path, spec: str, words: list[str], status: int, code: str
) -> None:
    (tmp_path / "buildspec.yaml").write_text(spec)
    done = _run(tmp_path, *words)
    assert done.returncode == status
    assert done.stderr.endswith(f"[{code}]\n")
    assert "Traceback" not in done.stderr


def test_sessions_are_listed_and_have_their_help(tmp_path: Path) -> None:
    listed = _run(tmp_path, "--help")
    assert listed.returncode == 0
    assert all(f"\n  {name} " in listed.stdout for name in session_names())
    helped = _run(tmp_path, "build", "--help")
    assert helped.stdout.startswith("usage: python -m nox_buildkit build [options]")


def test_a_code_is_explained(tmp_path: Path) -> None:
    assert _run(tmp_path, "explain", "nbk203").stdout.startswith("# NBK203: A key is unknown\n")
    unknown = _run(tmp_path, "explain", "NBK999")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "there is no code NBK999; they are NBK101, " in unknown.stderr
    assert _run(tmp_path).returncode == 2


def test_it_says_the_versions_that_a_report_needs(tmp_path: Path) -> None:
    done = _run(tmp_path, "--version")

    assert done.returncode == 0
    assert re.fullmatch(r"nox-buildkit \S+, nox \S+, uv \S+, Python 3\.\S+\n", done.stdout)
