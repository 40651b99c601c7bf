"""Workflows and pipelines that others call are valid and safe, by the tools that know it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.schema_checks import check_jsonschema

ROOT = Path(__file__).parents[2]
FORMS = ROOT / ".github/ISSUE_TEMPLATE"
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        *(("vendor.github-workflows", path) for path in WORKFLOWS),
        ("vendor.gitlab-ci", ROOT / "ci/gitlab.yml"),
        ("vendor.github-issue-forms", FORMS / "bug.yml"),
        ("vendor.github-issue-forms", FORMS / "feature.yml"),
        ("vendor.github-issue-config", FORMS / "config.yml"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_files_of_ci_systems_are_valid(schema: str, file: Path) -> None:
    done = check_jsonschema("--builtin-schema", schema, file)
    assert done.exit_code == 0, done.output


def test_the_workflow_that_publishes_has_no_token_and_a_right_of_one_job() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text())
    jobs = workflow["jobs"]

    assert workflow["permissions"] == {}
    rights = {name: job["permissions"] for name, job in jobs.items()}
    assert [name for name, each in rights.items() if "id-token" in each] == ["publish"]
    assert jobs["publish"]["environment"] == "release"
    assert "secrets." not in (ROOT / ".github/workflows/publish.yml").read_text()


GITHUB = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "nox-buildkit/nox-buildkit",
    "GITHUB_REF_TYPE": "tag",
    "GITHUB_REF_NAME": "v9.9.9",
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"GITHUB_REPOSITORY": "octocat/fork"}, "this is https://github.com/octocat/fork"),
        ({}, "tag it as v"),
    ],
)
def test_a_tag_of_another_repository_or_version_publishes_nothing(
    changed: dict[str, str], said: str
) -> None:
    command = [sys.executable, "-m", "nox", "-s", "package"]
    environment = {**os.environ, **GITHUB, **changed}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert said in done.stderr
    assert "uv build" not in done.stderr


def test_workflows_are_safe() -> None:
    zizmor = str(Path(sys.executable).with_name("zizmor"))
    settings = str(ROOT / ".github/zizmor.yml")
    command = [zizmor, "--offline", "--quiet", "--config", settings, *map(str, WORKFLOWS)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
