"""CI matrices: runners, child pipelines, and images that changed since a commit."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import yaml

from tests.support.project import Project, git
from tests.support.schema_checks import check_jsonschema

SPEC = """\
version: 1
defaults: {base: debian, requirements: none, command: [python, -V]}
runners: {linux/arm64: [self-hosted, arm]}
images:
  api: {context: api}
  worker: {context: worker, platforms: [linux/amd64]}
  both: {base: "target:api", context: both}
"""


def committed(project: Project) -> None:
    project.write({"buildspec.yaml": SPEC, "README.md": "1", ".gitignore": "dist/\n"})
    project.write({f"{name}/main.py": "1" for name in ("api", "worker", "both")})
    git(project.root, "init", "-q", "-b", "main")
    commit(project)


def commit(project: Project) -> None:
    git(project.root, "add", "-A")
    git(project.root, "commit", "-q", "-m", "change")


def changed(project: Project, since: str = "HEAD~1") -> set[str]:
    done = project.ok("matrix", "--json", "--changed-since", since)
    return {entry["image"] for entry in json.loads(done.stdout)["include"]}


def test_entries_and_their_runners(project: Project) -> None:
    committed(project)
    include = json.loads(project.ok("matrix", "--json", "worker", "api").stdout)["include"]
    assert include == [
        {
            "image": "worker",
            "platform": "linux/amd64",
            "name": "worker-linux-amd64",
            "runner": "ubuntu-24.04",
        },
        {
            "image": "api",
            "platform": "linux/amd64",
            "name": "api-linux-amd64",
            "runner": "ubuntu-24.04",
        },
        {
            "image": "api",
            "platform": "linux/arm64",
            "name": "api-linux-arm64",
            "runner": ["self-hosted", "arm"],
        },
    ]


def test_images_that_changed_since_a_commit(project: Project) -> None:
    committed(project)
    project.write({"README.md": "2"})
    commit(project)
    assert changed(project) == set()
    project.write({"worker/main.py": "2"})
    commit(project)
    assert changed(project) == {"worker"}
    # What builds on a changed image changed, too.
    project.write({"api/main.py": "2"})
    commit(project)
    assert changed(project) == {"api", "both"}
    assert changed(project, "HEAD~2") == {"api", "both", "worker"}
    project.write({"buildspec.yaml": f"{SPEC}  new: {{context: api}}\n"})
    commit(project)
    assert changed(project) == {"new"}
    # What git tracks is in the image, ignored or not, at both commits.
    project.write({"worker/.gitignore": "*.dat\n", "worker/a.dat": "1"})
    git(project.root, "add", "--force", "worker/a.dat")
    commit(project)
    assert changed(project, "HEAD") == set()
    assert changed(project) == {"worker"}
    # The work tree is left alone.
    assert not git_status(project)
    done = project.nox("matrix", "--json", "--changed-since", "nowhere")
    assert "a shallow clone does not have it: fetch it" in done.failure
    assert done.failure.codes == ["NBK103"]
    assert done.stdout == ""
    shutil.rmtree(project.root / ".git")
    done = project.nox("matrix", "--json", "--changed-since", "HEAD")
    assert "--changed-since compares commits of a git repository" in done.failure


def git_status(project: Project) -> str:
    command = ["git", "-C", str(project.root), "status", "--porcelain"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_child_pipeline_of_gitlab(project: Project, tmp_path: Path) -> None:
    committed(project)
    text = project.ok("matrix", "--gitlab").stdout
    pipeline = yaml.safe_load(text)
    arm = pipeline["build api-linux-arm64"]
    assert arm["script"] == ["nox -s build -- api --platform linux/arm64 --push-by-digest"]
    assert arm["tags"] == ["self-hosted", "arm"]
    assert "tags" not in pipeline["build api-linux-amd64"]
    # GitLab takes 50 jobs in `needs`; a stage waits for the one before, and has its artifacts.
    assert "needs" not in pipeline["merge"]
    stages = {name: job["stage"] for name, job in pipeline.items() if "stage" in job}
    assert stages.pop("merge") == "release"
    assert set(stages.values()) == {"build"}
    assert len(stages) == 5
    # It has no image of the pipeline that starts it.
    assert {job.get("extends", "") for name, job in pipeline.items() if name in stages} == {
        ".nox-buildkit"
    }
    assert pipeline[".nox-buildkit"]["image"] == "$NOX_BUILDKIT_IMAGE"
    project.write({"README.md": "2"})
    commit(project)
    nothing = project.ok("matrix", "--gitlab", "--changed-since", "HEAD~1").stdout
    assert "nothing changed" in yaml.safe_load(nothing)
    for number, one in enumerate((text, nothing)):
        file = tmp_path / f"{number}.yml"
        file.write_text(one)
        checked = check_jsonschema("--builtin-schema", "vendor.gitlab-ci", file)
        assert checked.exit_code == 0, checked.output
    done = project.nox("matrix", "--gitlab", "--json")
    assert "not allowed with argument" in done.failure
    assert done.failure.codes == ["NBK101"]


def test_errors_are_shown_at_their_line_on_github(project: Project) -> None:
    project.write({"buildspec.yaml": "version: 1\nimages:\n  api: {platfroms: []}\n"})
    env = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(project.root)}
    done = project.nox("build", **env)
    assert (
        "::error file=buildspec.yaml,line=3,col=9,title=NBK203::buildspec.yaml:3:9: " in done.stderr
    )
    assert "::error" not in project.nox("build").stderr
