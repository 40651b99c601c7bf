"""``python -m nox_buildkit``: sessions without nox, with an exit status for each family."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nox_buildkit.__main__ import main
from nox_buildkit.arguments.parser import parser_for, session_names


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


@pytest.mark.parametrize("command", ["check", "explain", "completion", "schema"])
def test_what_is_no_session_has_help_too(tmp_path: Path, command: str) -> None:
    done = _run(tmp_path, command, "--help")
    assert done.returncode == 0
    assert f"nox_buildkit {command}" in done.stdout


@pytest.mark.parametrize("session", session_names())
@pytest.mark.parametrize("words", [["-h"], ["--help"], ["one", "--help", "--what"]])
def test_every_session_has_its_help_whatever_else_is_there_or_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, session: str, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        assert main([session, *words]) == 0
    assert shown.getvalue().startswith(f"usage: python -m nox_buildkit {session} [options]")


def test_what_follows_two_hyphens_is_not_for_the_session() -> None:
    arguments = parser_for("run").parse_intermixed_args(["web", "--", "python", "--help"])
    assert not arguments.help
    assert arguments.rest == ["python", "--help"]


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


def test_every_mistake_of_every_file_has_its_place(tmp_path: Path) -> None:
    (tmp_path / "buildspec.yaml").write_text("version: 1\nimages: {web: {}}\n")
    assert _run(tmp_path, "check").returncode == 0
    (tmp_path / "one.yaml").write_text("version: 2\nimages: {a: {basis: slim}}\n")
    (tmp_path / "two.yaml").write_text("phases: {}\n")
    done = _run(tmp_path, "check", "one.yaml", "two.yaml", "three.yaml", "buildspec.yaml")
    assert done.returncode == 3
    for place in ("one.yaml:1:10: version", "one.yaml:2:14: images.a.basis", "two.yaml:1:1: "):
        assert place in done.stderr
    assert "AWS CodeBuild" in done.stderr
    assert "three.yaml: no such file" in done.stderr
    assert "\nbuildspec.yaml" not in done.stderr


def test_another_spec_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "images.yaml").write_text("version: 1\nimages: {web: {requirements: none}}\n")
    assert _run(tmp_path, "--buildspec", "images.yaml", "lock", "--check").returncode == 0
    assert "buildspec.yaml: no such file" in _run(tmp_path, "lock", "--check").stderr


def test_the_schema_is_printed(tmp_path: Path) -> None:
    schema = json.loads(_run(tmp_path, "schema").stdout)
    assert schema["title"] == "nox-buildkit buildspec"


@pytest.mark.parametrize("words", [["completion", "bash", "zsh"], ["schema", "more"]])
def test_what_it_does_not_know_is_answered_with_what_it_knows(
    tmp_path: Path, words: list[str]
) -> None:
    done = _run(tmp_path, *words)
    assert done.returncode == 2
    assert "python -m nox_buildkit completion bash|zsh|fish" in done.stderr


def test_another_shell_is_refused(tmp_path: Path) -> None:
    done = _run(tmp_path, "completion", "tcsh")
    assert done.returncode == 2
    assert "there is no completion for 'tcsh'; it is one of bash, zsh, fish" in done.stderr
