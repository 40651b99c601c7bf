"""What nox shows of the sessions, and that registering them costs next to nothing."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.oci import ImageIndex
from tests.support.project import NOXFILE, Project

SESSIONS = ("build", "push", "lock", "plan", "render", "matrix", "engine")

#: Prints the seconds that it takes, and the modules that it loads.
REGISTER = """\
import json, sys, time
import nox
before = set(sys.modules)
began = time.perf_counter()
from nox_buildkit import register
register()
seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "modules": sorted(set(sys.modules) - before)}))
"""


def _nox(project: Project, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nox", *arguments],
        cwd=project.root,
        env=project.environment(env),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    """A noxfile and nothing else; whoever looks for a registry or an index fails."""
    return Project(tmp_path, {"HTTPS_PROXY": "http://127.0.0.1:9"}).write({"noxfile.py": NOXFILE})


def test_the_list_shows_every_session_with_a_sentence(empty: Project) -> None:
    done = _nox(empty, "-l")
    assert done.returncode == 0, done.stderr
    for session in SESSIONS:
        (line,) = (li for li in done.stdout.splitlines() if li.startswith(f"- {session} -> "))
        assert len(line.partition(" -> ")[2].split()) > 4
    assert "Traceback" not in done.stderr


def test_usage_tells_the_options(empty: Project) -> None:
    done = _nox(empty, "-s", "build", "--usage", "build")
    for option in ("--platform", "--no-cache", "--load", "--output", "--progress", "--set"):
        assert option in done.stdout


def test_help_of_a_session(empty: Project) -> None:
    done = empty.ok("build", "--help")
    assert "nox -s build -- [options]" in done.stdout


def test_a_prefix(empty: Project) -> None:
    empty.write({"noxfile.py": NOXFILE.replace("register()", "register(prefix='image_')")})
    listed = json.loads(_nox(empty, "--json", "-l", "-s", "image_build").stdout)
    assert [session["name"] for session in listed] == ["image_build"]
    assert "- image_matrix -> " in _nox(empty, "-l").stdout
    assert "nox -s image_lock -- [options]" in empty.ok("image_lock", "--help").stdout


def test_a_session_that_is_there_already_is_not_replaced(empty: Project) -> None:
    noxfile = (
        "import nox\nfrom nox_buildkit import register\n"
        "@nox.session\ndef build(session): pass\n"
        "try:\n    register()\nexcept SystemExit as error:\n    raise SystemExit(str(error))\n"
    )
    empty.write({"noxfile.py": noxfile})
    done = _nox(empty, "-l")
    assert done.returncode != 0
    assert "there is a session 'build' already; register(prefix=" in done.stderr


def test_another_path_of_the_spec(project: Project) -> None:
    (project.root / "images").mkdir()
    spec = (project.root / "buildspec.yaml").read_text()
    (project.root / "buildspec.yaml").unlink()
    project.write(
        {
            "images/spec.yaml": spec.replace("base:", "context: ..\n    base:"),
            "noxfile.py": NOXFILE.replace("register()", "register('images/spec.yaml')"),
        }
    )
    plan = json.loads(project.ok("plan", "--json").stdout)
    assert plan["images"][0]["application"]["folder"] == str(project.root)


def test_registering_is_quick_and_loads_nothing(empty: Project) -> None:
    seconds = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", REGISTER],
            env={**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9"},
            cwd=empty.root,
            capture_output=True,
            text=True,
            check=True,
        )
        told = json.loads(done.stdout)
        seconds.append(told["seconds"])
        loaded = {name.partition(".")[0] for name in told["modules"]}
        assert loaded.isdisjoint({"pydantic", "yaml", "python_on_whales", "rich", "uv"})
    assert statistics.median(seconds) < 0.05


@pytest.mark.parametrize("session", ["plan", "matrix"])
def test_json_is_alone_on_standard_output(project: Project, session: str) -> None:
    document = json.loads(project.ok(session, "--json").stdout)
    assert document
    named = {entry["image"] for entry in document.get("include", [])}
    assert named | {image["name"] for image in document.get("images", [])} == {"web"}


def test_json_is_alone_though_a_lock_had_to_be_refreshed(project: Project) -> None:
    (project.root / "requirements.lock").unlink()
    done = project.ok("plan", "--json")
    assert json.loads(done.stdout)["images"][0]["lock"] == "requirements.lock"
    assert "refreshed requirements.lock" in done.stderr


def test_plan_says_what_goes_where(project: Project) -> None:
    document = json.loads(project.ok("plan", "--json").stdout)
    (image,) = document["images"]
    assert [package["name"] for package in image["pure"]] == ["plain"]
    for platform in image["platforms"]:
        (package,) = platform["packages"]
        assert package["kind"] == "native"
        machine = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}[platform["platform"]]
        assert package["filename"] == f"fast-2.0-cp313-cp313-manylinux_2_17_{machine}.whl"
    assert "bake" in document["command"]
    assert not (project.root / "dist").exists()

    text = project.ok("plan").stdout
    for word in ("base", "debian@sha256:", "plain 1.0", "fast 2.0", "linux/arm64", "buildx"):
        assert word in text


def test_matrix_for_github(project: Project) -> None:
    assert json.loads(project.ok("matrix", "--json").stdout) == {
        "include": [
            {
                "image": "web",
                "platform": "linux/amd64",
                "name": "web-linux-amd64",
                "runner": "ubuntu-24.04",
            },
            {
                "image": "web",
                "platform": "linux/arm64",
                "name": "web-linux-arm64",
                "runner": "ubuntu-24.04-arm",
            },
        ]
    }


def test_progress_json_is_alone_on_standard_output(project: Project) -> None:
    done = project.ok("build", "--progress", "json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert any("vertexes" in event for event in events)


@pytest.mark.parametrize(
    "words", [["plan"], ["plan", "--json"], ["matrix"], ["build", "--progress", "json"]]
)
def test_nobody_reads_what_is_printed(project: Project, words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    session, *options = words
    done = subprocess.run(
        [sys.executable, "-m", "nox", "-s", session, "--", *options],
        cwd=project.root, env=project.environment({}), stdout=writer, stderr=subprocess.PIPE,
        text=True, check=False,
    )  # fmt: skip
    os.close(writer)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    assert session != "build" or ImageIndex.open(project.tar).digest == project.digest()


def test_a_build_goes_on_though_nobody_reads_of_it(project: Project) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "nox_buildkit", "build", "--json"],
        cwd=project.root, env=project.environment({}), stdout=writer, stderr=writer, check=False,
    )  # fmt: skip
    os.close(writer)
    assert done.returncode == 0
    assert ImageIndex.open(project.tar).digest == project.digest()
