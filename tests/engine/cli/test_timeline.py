"""A build leaves a timeline beside its image; one with nothing to do leaves the old one alone."""

from __future__ import annotations

import json
from typing import Any

from tests.support.package_index import new_version
from tests.support.project import APP, Project

FILES = ("timeline.html", "timeline.json", "trace.json")
STEPPED = """\
version: 1
images:
  web:
    base: debian
    platforms: [linux/amd64]
    command: [python, -m, app, "8000"]
    steps:
      - run: [python, -c, "open('made', 'w').write('<script>x</script> https://me:hidden-token@h/')"]
        output: [made]
"""


def files(project: Project) -> dict[str, tuple[bytes, int]]:
    paths = {name: project.root / "dist" / name for name in FILES}
    return {name: (path.read_bytes(), path.stat().st_mtime_ns) for name, path in paths.items()}


def record(project: Project) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((project.root / "dist/timeline.json").read_text())
    found: dict[str, Any] = content["timeline"]
    return found


def states(project: Project) -> dict[str, bool]:
    """Which steps of stages, by title, were cached."""
    return {s["title"]: s["cached"] for s in record(project)["steps"] if s["kind"] == "step"}


def edit(project: Project, text: str) -> None:
    """Build with other sources; none is the text that they had in the beginning."""
    project.write({"app/__main__.py": APP + (f"# {text}\n" if text else "")})
    project.ok("build")


def test_a_build_tells_what_ran_when_and_the_next_what_ran_again(built: Project) -> None:
    found = record(built)
    tool = [step["title"] for step in found["steps"] if step["lane"] == "nox-buildkit"]
    assert {
        "lock",
        "facts",
        "plan",
        "engine",
        "definition",
        "BuildKit builds",
        "checks and archives",
    } <= set(tool)
    lanes = {step["lane"] for step in found["steps"]}
    assert {"web all platforms", "web linux/amd64", "web linux/arm64"} <= lanes
    ends = [step["end"] for step in found["steps"]]
    assert all(step["begin"] >= 0 for step in found["steps"])
    assert max(ends) <= found["seconds"]
    path = sorted((s for s in found["steps"] if s["critical"]), key=lambda s: float(s["begin"]))
    assert "export" in [step["kind"] for step in path]
    parts = {part["name"] for each in found["contents"].values() for part in each}
    assert {"plain", "fast"} <= parts
    first = (built.root / "dist/timeline.html").read_text()
    assert "There is no earlier build" in first

    before = files(built)
    assert "nothing changed" in built.ok("build").stderr
    assert files(built) == before

    # Of no build that this engine has seen; then of one that it has.
    edit(built, new_version())
    assert not states(built)["application 2/2"]
    assert states(built)["pure-Python packages 1/1"]
    edit(built, "")
    assert states(built)["application 2/2"]
    edit(built, new_version())
    page = (built.root / "dist/timeline.html").read_text()
    assert "There is no earlier build" not in page
    assert all(text in page for text in ("Compared with the build before", "ran again"))
    slices = json.loads((built.root / "dist/trace.json").read_text())["traceEvents"]
    assert len([event for event in slices if event["ph"] == "X"]) == len(record(built)["steps"])


def test_what_a_step_runs_is_text_without_credentials(built: Project) -> None:
    built.write({"buildspec.yaml": STEPPED})
    built.ok("build")
    page = (built.root / "dist/timeline.html").read_text()
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert not [name for name, (content, _) in files(built).items() if b"hidden-token" in content]


def test_a_build_that_fails_leaves_the_timeline_of_the_last_one(built: Project) -> None:
    before = files(built)
    built.write({"buildspec.yaml": STEPPED.replace("open(", "undefined(")})
    assert "undefined" in built.nox("build").stderr
    assert files(built) == before


def test_a_record_that_cannot_be_read_counts_as_none(built: Project) -> None:
    (built.root / "dist/timeline.json").write_text('{"version": 1, "timeline": []}')
    edit(built, new_version())
    assert "There is no earlier build" in (built.root / "dist/timeline.html").read_text()
    assert record(built)["built"] == ["web"]
