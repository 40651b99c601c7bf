"""Every session that prints for people prints JSON for programs: alone, and as its schema says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import SPEC, Project, git
from tests.support.registries import Registry, serve_registry
from tests.support.schemas import validated

BOTH = {"linux/amd64", "linux/arm64"}


@pytest.fixture
def registry(engine_home: Path, tmp_path: Path) -> Iterator[Registry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with serve_registry(folder, engine_home) as registry:
        yield registry


def test_a_build_and_its_record(project: Project) -> None:
    done = project.ok("build", "--json")
    built = validated("build", done.stdout)
    assert set(built["images"]["web"]["platforms"]) == BOTH
    assert built["images"]["web"]["up_to_date"] is False
    record = validated("build", (project.root / "dist/build.json").read_text())
    assert record == built
    again = validated("build", project.ok("build", "--json").stdout)
    assert again["images"]["web"]["digest"] == built["images"]["web"]["digest"]
    assert again["images"]["web"]["up_to_date"] is True
    project.write({"app/more.py": ""})
    changes = validated("plan", project.ok("plan", "--json").stdout)["changes"]["web"]
    (changed,) = (layer for layer in changes["layers"] if layer["made_again"])
    assert changed["changes"][0]["name"] == "app/more.py"
    # What is for people is said all the same.
    assert "dist/web.oci.tar" in done.stderr


def test_a_file_that_is_up_to_date_is_named_as_from_here(built: Project) -> None:
    folder = built.root / "app"
    words = ["--buildspec", "../buildspec.yaml", "build", "--output", "../dist", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "nox_buildkit", *words],
        cwd=folder, env=built.environment({}), capture_output=True, text=True, check=True,
    )  # fmt: skip
    entry = validated("build", done.stdout)["images"]["web"]
    assert (entry["up_to_date"], entry["output"]) == (True, "../dist/web.oci.tar")


def test_two_documents_do_not_share_standard_output(project: Project) -> None:
    cause = project.nox("build", "--json", "--progress", "json").cause
    assert cause == (
        "--json and --progress json both write to standard output; leave one of them out"
    )


def test_a_build_that_fails_prints_no_document(project: Project) -> None:
    project.write({"buildspec.yaml": SPEC.replace("base:", "bse:")})
    assert project.nox("build", "--json").stdout == ""


def test_plan_matrix_and_render(project: Project) -> None:
    plan = validated("plan", project.ok("plan", "--json").stdout)
    assert (plan["version"], plan["images"][0]["name"]) == (1, "web")
    line = project.ok("matrix", "--json").stdout
    assert line.count("\n") == 1
    assert {each["platform"] for each in validated("matrix", line)["include"]} == BOTH
    rendered = validated("render", project.ok("render", "--json").stdout)
    assert rendered["images"] == ["web"]
    assert rendered["folder"] == str(project.root / "bake")
    assert Path(rendered["definition"]).is_file()
    assert rendered["command"][:3] == ["docker", "buildx", "bake"]


def test_a_plan_with_everything(project: Project) -> None:
    """An image on another, steps, files, a health check, a variant of a platform."""
    project.write(
        {
            "buildspec.yaml": """\
version: 1
defaults: {base: debian, command: [python, -m, app], requirements: web}
requirements: {web: {source: requirements.in}}
images:
  web:
    apt: [libyaml-0-2]
    user: app:1000
    healthcheck: {test: [python, -V], interval: 10s}
    prestart: [[python, -V]]
    per-platform: {linux/arm64: {env: {HERE: arm}}}
  child: {base: "target:web", requirements: none, context: app}
""",
            "requirements.in": "plain==1.0\nfast\n",
        }
    )
    plan = validated("plan", project.ok("plan", "--json").stdout)
    assert [image["name"] for image in plan["images"]] == ["web", "child"]
    assert plan["images"][0]["variants"]
    assert plan["images"][0]["config"]["healthcheck"]


def test_locks(project: Project) -> None:
    (entry,) = validated("lock", project.ok("lock", "--json").stdout)["locks"]
    assert (entry["path"], entry["state"]) == ("requirements.lock", "up-to-date")
    project.write({"requirements.in": "plain==1.1\nfast\n"})
    stale = project.nox("lock", "--check", "--json")
    (entry,) = validated("lock", stale.stdout)["locks"]
    assert entry["state"] == "stale"
    assert "+plain==1.1 \\" in entry["changes"]
    assert stale.failure.startswith("buildspec.yaml") or "requirements.lock" in stale.failure
    (entry,) = validated("lock", project.ok("lock", "--json").stdout)["locks"]
    assert entry["state"] == "written"
    bases = validated("lock", project.ok("lock", "--bases", "--json").stdout)["bases"]
    assert (bases["path"], bases["state"]) == ("bases.lock", "written")
    assert bases["changed"]["debian:trixie"].startswith("sha256:")
    bases = validated("lock", project.ok("lock", "--bases", "--json").stdout)["bases"]
    assert bases == {"path": "bases.lock", "state": "up-to-date", "changed": {}}


def test_init(project: Project) -> None:
    proposed = validated("init", project.ok("init", "--json").stdout)
    assert proposed["version"] == 1
    assert "images:" in proposed["buildspec"]


def test_the_private_engine(project: Project, own_home: Path) -> None:
    env = {"NOX_BUILDKIT_CACHE": str(own_home), "DOCKER_HOST": ""}

    def state(action: str) -> str:
        return str(
            validated("engine", project.ok("engine", action, "--json", **env).stdout)["state"]
        )

    assert state("status") == "absent"
    assert state("start") == state("status") == "running"
    assert state("stop") == "stopped"
    variables = validated("engine-env", project.ok("engine", "env", "--json", **env).stdout)
    assert str(own_home) in variables["environment"]["DOCKER_HOST"]
    assert state("remove") == "absent"


def test_what_registries_have(project: Project, registry: Registry) -> None:
    name = f"{registry.address}/json/web"
    text = SPEC + f"    repositories: [{name}]\n"
    pyproject = "[project]\nname = 'web'\nversion = '1.0'\n"
    project.write({"buildspec.yaml": text, "pyproject.toml": pyproject, ".gitignore": "dist/\n"})
    git(project.root, "init", "-q", "-b", "main")
    git(project.root, "add", "-A")
    git(project.root, "commit", "-q", "-m", "1.0")
    git(project.root, "tag", "v1.0")

    pushed = validated("release", project.ok("push", "--json").stdout)["images"]["web"]
    assert pushed["tags"] == [f"{name}:1.0", f"{name}:latest"]
    validated("release", (project.root / "dist/release.json").read_text())
    moves = validated("tags", project.ok("tags", "--json").stdout)["images"]["web"]["moves"]
    assert [move["tag"] for move in moves] == ["1.0", "latest"]

    released = validated("release", project.ok("release", "--json").stdout)
    (published,) = released["images"]["web"]["publications"]
    assert published["tags"] == ["1.0", "latest"]
    assert validated("release", (project.root / "dist/release.json").read_text()) == released
    verdicts = validated("verify", project.ok("verify", f"{name}:1.0", "--json").stdout)
    assert verdicts["images"][0]["problems"] == []
    project.write({"dist/k8s.yaml": "image: image://web\n"})
    resolved = validated("resolve", project.ok("resolve", "dist/k8s.yaml", "--json").stdout)
    reference = f"{name}@{published['digest']}"
    assert resolved["files"] == [{"path": "dist/k8s.yaml", "text": f"image: {reference}\n"}]
    assert resolved["references"]["web"] == reference

    parts = []
    for platform in sorted(BOTH):
        done = project.ok("build", "--platform", platform, "--push-by-digest", "--json")
        built = validated("build", done.stdout)["images"]["web"]
        file = f"dist/results/web-{platform.replace('/', '-')}.json"
        result = validated("result", (project.root / file).read_text())
        assert result["revision"] == git(project.root, "rev-parse", "HEAD")
        assert result["images"]["web"] == built
        parts.append(file)
    merged = validated("release", project.ok("merge", *parts, "--json").stdout)
    assert merged["images"]["web"]["publications"][0]["tags"] == ["1.0", "latest"]


def test_the_doctor(project: Project) -> None:
    report = validated("doctor", project.ok("doctor", "--json").stdout)
    assert report["verdict"] in ("ok", "warning")
    project.write({"buildspec.yaml": SPEC.replace("base:", "bse:")})
    report = validated("doctor", project.nox("doctor", "--json").stdout)
    (found,) = (each for each in report["checks"] if each["check"] == "buildspec")
    assert found["location"] == {
        "file": "buildspec.yaml", "line": 4, "column": 5, "path": "images.web.bse",
    }  # fmt: skip
    assert json.dumps(report).count("hunter2") == 0
