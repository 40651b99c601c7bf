"""What a build does again, and what it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nox_buildkit.engine.private.paths import EnginePaths
from tests.support.oci import ImageIndex
from tests.support.project import APP, NOXFILE, Project
from tests.support.real_parts import copy_cache, in_cache

NOBODY = "unix:///nonexistent/docker.sock"


@pytest.fixture
def alone(project: Project, own_home: Path, engine_home: Path) -> Iterator[Project]:
    """A project with a private engine of its own, which nobody has started, and warm downloads."""
    copy_cache(engine_home, own_home, "bases", "uv", "pylock", "apt")
    with in_cache(own_home):
        host = EnginePaths.current().host
    yield Project(
        project.root, {**project.env, "NOX_BUILDKIT_CACHE": str(own_home), "DOCKER_HOST": host}
    )


def test_a_cold_engine_builds_the_same_image_and_a_second_build_needs_none(
    project: Project, alone: Project, tmp_path: Path
) -> None:
    """No layer, no package and no byte code is there at first: nothing of it shows in the image."""
    project.ok("build", "--output", str(tmp_path / "warm"))
    warm = ImageIndex.open(tmp_path / "warm" / "web.oci.tar")

    first = alone.ok("build")
    assert "starting the private engine" in first.stderr
    cold = ImageIndex.open(alone.tar)
    for platform, image in cold.platforms.items():
        assert image.layers == warm.platforms[platform].layers, first.stderr
    assert alone.digest() == warm.digest
    before = _state(alone.root)
    alone.ok("engine", "stop")

    second = alone.ok("build")
    assert "nothing changed: nothing was built or written" in second.stderr
    assert _state(alone.root) == before
    status = json.loads(alone.ok("engine", "status", "--json").stdout)
    assert status["state"] == "stopped"


def test_nothing_changed_asks_no_engine_and_no_index(built: Project) -> None:
    before = _state(built.root)
    dead = {"DOCKER_HOST": NOBODY, "HTTPS_PROXY": "http://127.0.0.1:9", "PATH": "/usr/bin:/bin"}
    done = built.ok("build", **dead)
    assert "nothing changed" in done.stderr
    assert "up to date" in done.stderr
    assert _state(built.root) == before


def test_a_file_that_stays_out_changes_nothing(built: Project) -> None:
    built.write({".gitignore": "*.log\n", "debug.log": "something went on"})
    assert "nothing changed" in built.ok("build").stderr


def test_a_missing_result_is_made_again(built: Project) -> None:
    digest = built.digest()
    built.tar.unlink()
    assert "nothing changed" not in built.ok("build").stderr
    assert ImageIndex.open(built.tar).digest == digest


def test_a_changed_source_keeps_the_packages(built: Project) -> None:
    before = ImageIndex.open(built.tar)
    built.write({"app/__main__.py": f"{APP}\n# A line more.\n"})
    built.ok("build")
    after = ImageIndex.open(built.tar)
    assert after.digest != before.digest
    assert built.record()["images"]["web"]["steps"]["executed"] <= 3
    for name, image in after.platforms.items():
        earlier = before.platforms[name].layers
        same = [here == there for here, there in zip(image.layers, earlier, strict=True)]
        # What surrounds the sources is above them.
        assert same == [*[True] * (len(same) - 2), False, True]
        assert "# A line more." in image.read("app/app/__main__.py")


def test_a_changed_pure_package_keeps_the_native_ones(built: Project) -> None:
    before = ImageIndex.open(built.tar)
    built.write({"requirements.in": "plain==1.1\nfast\n"})
    done = built.ok("build")
    assert "refreshed requirements.lock; commit it" in done.stderr
    after = ImageIndex.open(built.tar)
    for name, image in after.platforms.items():
        changed = [
            index
            for index, layer in enumerate(image.layers)
            if layer not in before.platforms[name].layers
        ]
        assert len(changed) == 1
        assert any(
            "plain-1.1.dist-info" in name for name in image.members(image.layers[changed[0]])
        )


def test_every_platform_gets_its_own_wheel_and_the_shared_one_once(built: Project) -> None:
    images = ImageIndex.open(built.tar).platforms
    for name, image in images.items():
        (module,) = (path for path in image.own_names if path.endswith("/fast/__init__.py"))
        assert image.read(module) == f"VERSION = '2.0'\nPLATFORM = '{name}'\n"
    amd64, arm64 = images.values()
    different = [
        n for n, (a, b) in enumerate(zip(amd64.layers, arm64.layers, strict=True)) if a != b
    ]
    assert len(different) == 2, "the base and the packages with machine code"


def test_one_entry_of_the_matrix(project: Project) -> None:
    spec = (
        "version: 1\n"
        "defaults: {base: debian}\n"
        "images:\n"
        "  web: {command: [python, -m, app]}\n"
        "  job: {command: [python, -V], requirements: none, platforms: [linux/amd64]}\n"
    )
    project.write({"buildspec.yaml": spec})
    entries = json.loads(project.ok("matrix", "--json").stdout)["include"]
    assert [(entry["image"], entry["platform"]) for entry in entries] == [
        ("web", "linux/amd64"),
        ("web", "linux/arm64"),
        ("job", "linux/amd64"),
    ]
    entry = entries[1]
    project.ok("build", entry["image"], "--platform", entry["platform"])
    assert list(ImageIndex.open(project.tar).platforms) == ["linux/arm64"]
    assert list(project.record()["images"]) == ["web"]
    assert not (project.root / "dist" / "job.oci.tar").exists()

    project.ok("build")
    assert list(project.record()["images"]) == ["web", "job"]
    assert sorted(ImageIndex.open(project.tar).platforms) == ["linux/amd64", "linux/arm64"]
    job = ImageIndex.open(project.root / "dist" / "job.oci.tar")
    assert list(job.platforms) == ["linux/amd64"]
    assert not any("site-packages" in n for n in job.platforms["linux/amd64"].own_names)


def test_two_builds_at_once(project: Project) -> None:
    project.write({"app/extra.py": f"PATH = {str(project.root)!r}\n"})
    processes = [project.start("build") for _ in range(2)]
    outcomes = [(process.communicate(timeout=180)[1], process.returncode) for process in processes]
    assert [code for _, code in outcomes] == [0, 0], outcomes
    image = ImageIndex.open(project.tar)
    assert image.digest == project.digest()
    assert sorted(image.platforms) == ["linux/amd64", "linux/arm64"]
    assert _leftovers(project) == []


def test_a_first_build_outside_of_git_makes_its_own_lock(project: Project) -> None:
    (project.root / "requirements.lock").unlink()
    project.write({"noxfile.py": NOXFILE})
    done = project.ok("build")
    assert "refreshed requirements.lock; commit it" in done.stderr
    labels = ImageIndex.open(project.tar).platforms["linux/amd64"].config["config"]["Labels"]
    assert "org.opencontainers.image.revision" not in labels


def test_source_date_epoch_is_the_time_of_creation_and_no_new_layer(built: Project) -> None:
    before = ImageIndex.open(built.tar).platforms["linux/amd64"]
    built.ok("build", SOURCE_DATE_EPOCH="1700000000")
    after = ImageIndex.open(built.tar).platforms["linux/amd64"]
    label = after.config["config"]["Labels"]["org.opencontainers.image.created"]
    assert label == "2023-11-14T22:13:20Z"
    assert after.layers == before.layers


def _leftovers(project: Project) -> list[str]:
    known = {"web.oci.tar", "build.json", "timeline.html", "timeline.json", "trace.json"}
    return [path.name for path in (project.root / "dist").iterdir() if path.name not in known]


def _state(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in root.rglob("*")
        if "__pycache__" not in path.parts
    }


def test_nothing_is_kept_for_a_project_that_is_gone(
    built: Project, engine_home: Path, tmp_path: Path
) -> None:
    def kept() -> set[str]:
        return {path.read_text() for path in (engine_home / "projects").glob("*/project")}

    built.write({"app/more.py": ""})
    built.ok("build")
    assert str(built.root) in kept()
    moved = Project(tmp_path / "moved", built.env)
    built.root.rename(moved.root)
    (moved.root / "app/more.py").unlink()
    moved.ok("build")
    assert str(moved.root) in kept()
    assert str(built.root) not in kept()
