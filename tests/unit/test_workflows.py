"""Workflows and pipelines that others call are valid and safe, by the tools that know it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        *(("vendor.github-workflows", path) for path in WORKFLOWS),
        ("vendor.gitlab-ci", ROOT / "ci/gitlab.yml"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_files_of_ci_systems_are_valid(schema: str, file: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_are_safe() -> None:
    zizmor = str(Path(sys.executable).with_name("zizmor"))
    settings = str(ROOT / ".github/zizmor.yml")
    command = [zizmor, "--offline", "--quiet", "--config", settings, *map(str, WORKFLOWS)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
