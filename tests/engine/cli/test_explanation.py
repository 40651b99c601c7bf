"""nox -s plan says which layers are made again and why; nox -s build says it afterwards."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.project import SPEC, Project, git


@pytest.fixture
def built(project: Project) -> Project:
    spec = SPEC + '    env: {PORT: "8000"}\n    platforms: [linux/amd64]\n'
    project.write({"buildspec.yaml": spec})
    done = project.ok("build")
    # There is nothing to compare with.
    assert "is new" not in done.stderr
    return project


def _changed(project: Project, *options: str) -> dict[str, list[str]]:
    """What is said of each layer that is made again, of the image web."""
    found = json.loads(project.ok("plan", "--json", *options).stdout)["changes"]["web"]
    said = {each["layer"]: [one["said"] for one in each["changes"]] for each in found["layers"]}
    return {layer: changes for layer, changes in said.items() if changes}


def test_each_layer_has_its_reasons(built: Project) -> None:
    assert _changed(built) == {}
    assert "nothing changed" in built.ok("plan").stdout

    spec = (built.root / "buildspec.yaml").read_text()
    built.write({"app/more.py": "", "buildspec.yaml": spec.replace('"8000"}', '"9000"}')})
    (built.root / "requirements.in").write_text("plain==1.1\nfast\n")
    changed = _changed(built)
    lines = (built.root / "requirements.lock").read_text().splitlines()
    place = f"requirements.lock:{lines.index(next(x for x in lines if 'plain==1.1' in x)) + 1}"
    assert changed == {
        "pure-Python packages": [f"plain 1.0 → 1.1 ({place})"],
        "application": ["app/more.py is new"],
        "configuration": ["env PORT 8000 → 9000 (buildspec.yaml:6)"],
    }
    shown = built.ok("plan").stdout
    assert "pure-Python packages is made again" in shown
    assert "from the cache: base, working folder, native packages" in shown
    assert "weight linux/amd64: " in shown

    said = built.ok("build").stderr
    assert "\nweb: application: app/more.py is new\n" in said
    assert f"\nweb: pure-Python packages: plain 1.0 → 1.1 ({place})\n" in said
    assert "web: native packages" not in said
    assert _changed(built) == {}


def test_a_record_that_was_cut_is_no_reason_to_fail(built: Project) -> None:
    (record,) = (
        path
        for path in Path(built.env["NOX_BUILDKIT_CACHE"]).glob("projects/*/web.json")
        if os.fsdecode((path.parent / "project").read_bytes()) == str(built.root)
    )
    record.write_bytes(record.read_bytes()[:100])
    done = built.ok("plan")
    assert "was damaged: it is made anew" in done.stderr
    assert "compared with" not in done.stdout


def test_a_plan_is_compared_with_another_commit(built: Project) -> None:
    git(built.root, "init", "-q")
    git(built.root, "add", "-A")
    git(built.root, "commit", "-q", "-m", "first")
    built.write({"app/more.py": ""})
    assert _changed(built, "--diff", "HEAD") == {"application": ["app/more.py is new"]}
    assert "web, compared with HEAD" in built.ok("plan", "--diff", "HEAD").stdout
    assert built.nox("plan", "--diff", "nowhere").cause.codes == ["NBK103"]
