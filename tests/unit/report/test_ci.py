"""What CI systems are told, and that nobody else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.errors import Code, Location, SpecError
from nox_buildkit.report.ci import annotate, annotation, job_summary, log_group, show_results
from nox_buildkit.results.model import ImageResult, Layer, PlatformResult, Publication

GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/repo"}
DIGEST = "sha256:" + "ab" * 32
RESULT = ImageResult(
    "api|x",
    DIGEST,
    (PlatformResult("linux/amd64", DIGEST, (Layer("base", DIGEST, 2_000_000),)),),
    seconds=3.0,
    publications=(Publication("r.example/api", DIGEST, ("1.0", "latest")),),
)


def test_a_problem_is_shown_at_its_line() -> None:
    problem = Code.CONTEXT(
        "100% wrong\nreally", "a, b: c", Location("/repo/a,b:c.yaml", 12, 7, "x")
    )
    assert annotation(problem, GITHUB) == (
        "::error file=a%2Cb%3Ac.yaml,line=12,col=7,title=NBK402::"
        "/repo/a,b:c.yaml:12:7: x: 100%25 wrong\\nreally; a, b: c"
    )
    assert annotation(Code.CONTEXT("no place"), GITHUB) == "::error title=NBK402::no place"


def test_a_path_is_that_of_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    monkeypatch.chdir(tmp_path / "service")
    problem = Code.CONTEXT("wrong", "", Location("buildspec.yaml", 1, 2))
    env = {**GITHUB, "GITHUB_WORKSPACE": str(tmp_path)}
    assert annotation(problem, env).startswith(
        "::error file=service/buildspec.yaml,line=1,col=2,title=NBK402::"
    )


def test_nothing_is_annotated_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    annotate(SpecError(Code.YAML("wrong")), {})
    assert capsys.readouterr() == ("", "")
    annotate(SpecError(Code.YAML("wrong"), Code.YAML("twice")), GITHUB)
    assert capsys.readouterr() == ("", "::error title=NBK202::wrong\n::error title=NBK202::twice\n")


def test_a_summary_is_a_table() -> None:
    assert job_summary([RESULT]).splitlines() == [
        "| Image | Platform | Digest | Size | Time |",
        "| --- | --- | --- | ---: | ---: |",
        "| api\\|x | linux/amd64 | `sha256:abababababab` | 2.00 MB | 3.0 s |",
        "",
        f"`r.example/api@{DIGEST}`: `1.0`, `latest`",
        "",
    ]


def test_the_summary_of_a_job_is_added_to(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    show_results([RESULT], {**GITHUB, "GITHUB_STEP_SUMMARY": str(path)})
    assert path.read_text().startswith("before\n| Image |")
    show_results([RESULT], {"GITHUB_STEP_SUMMARY": str(tmp_path / "other")})
    assert list(tmp_path.iterdir()) == [path]
    # It is told to nobody, then.
    show_results([RESULT], {**GITHUB, "GITHUB_STEP_SUMMARY": str(tmp_path / "no/such")})


def test_lines_are_folded(capsys: pytest.CaptureFixture[str]) -> None:
    with log_group("build a, b", GITHUB):
        print("inside", flush=True)
    assert capsys.readouterr().err == "::group::build a, b\n::endgroup::\n"
    with pytest.raises(ValueError, match="x"), log_group("build a", {"GITLAB_CI": "true"}):
        raise ValueError("x")
    begin, end = capsys.readouterr().err.strip("\n").split("\n")
    assert begin.startswith("\x1b[0Ksection_start:")
    assert begin.endswith(":nox_buildkit_build_a\r\x1b[0Kbuild a")
    assert end.endswith(":nox_buildkit_build_a\r\x1b[0K")
    with log_group("build a", {}):
        pass
    assert capsys.readouterr().err == ""
