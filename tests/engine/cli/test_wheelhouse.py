"""The wheelhouse: an engine that is new downloads nothing and compiles nothing again."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.package_index import PackageIndex, new_version, serve
from tests.support.project import Project
from tests.support.real_parts import copy_cache

SPEC = """\
version: 1
images:
  web:
    base: debian
    apt: [libyaml-0-2]
    build-apt: [libyaml-dev]
    command: [python, -c, "import cyaml; print(cyaml.version())"]
"""


@pytest.fixture
def compiled(project: Project) -> Iterator[tuple[Project, PackageIndex]]:
    """A project with a package in C and one in Python, of which an index has the sources alone."""
    with serve() as index:
        version = new_version()
        index.add_sdist("cyaml", version)
        index.add_pure_sdist("sourceonly", version)
        project.env["UV_DEFAULT_INDEX"] = index.url
        text = f"sourceonly=={version}\ncyaml=={version}\n"
        project.write({"requirements.in": text, "buildspec.yaml": SPEC})
        project.ok("lock")
        yield project, index


def _restored(engine_home: Path, own_home: Path) -> dict[str, str]:
    """Another machine, with what a CI cache keeps."""
    kept = ("apt", "bases", "uv", "pylock", "coverage", "wheelhouse")
    copy_cache(engine_home, own_home, *kept)
    return {"NOX_BUILDKIT_CACHE": str(own_home), "DOCKER_HOST": ""}


def test_an_engine_with_nothing_and_no_index_builds_the_same(
    compiled: tuple[Project, PackageIndex], engine_home: Path, own_home: Path, both_platforms: None
) -> None:
    project, index = compiled
    first = project.ok("build").stderr
    assert "compiling cyaml" in first
    digests = _digests(project)
    other = _restored(engine_home, own_home)
    index.files.clear()
    shutil.rmtree(project.root / "dist")
    done = project.ok("build", **other)
    # Nothing of the stages that compile is run, whatever else is.
    assert not re.search(r"compiling \w+: RUN|compiler \d+/\d+: RUN", done.stderr)
    assert _digests(project) == digests


def test_a_kept_wheel_that_was_altered_is_compiled_again(
    compiled: tuple[Project, PackageIndex], engine_home: Path
) -> None:
    project, _ = compiled
    arguments = ("build", "--platform", "linux/amd64")
    project.ok(*arguments)
    digests = _digests(project)
    shutil.rmtree(project.root / "dist")
    version = (project.root / "requirements.in").read_text().split("==")[-1].strip()
    wheel, *_ = (engine_home / "wheelhouse/compiled").rglob(f"cyaml-{version}-*.whl")
    content = wheel.read_bytes()
    wheel.write_bytes(content[:-1])
    project.ok(*arguments)
    assert _digests(project) == digests
    assert wheel.read_bytes() == content


def test_steps_that_install_packages_have_no_network_and_no_secret(project: Project) -> None:
    project.ok("render", "--output", "out")
    text = (project.root / "out/web.Dockerfile").read_text()
    steps = re.findall(r"^RUN .*?<<'RUN'$", text, re.DOTALL | re.MULTILINE)
    assert len(steps) == 2
    for step in steps:
        assert "--network=none" in step
        assert "type=secret" not in step


def _digests(project: Project) -> dict[str, str]:
    record = project.record("build.json")["images"]["web"]["platforms"]
    return {platform: one["digest"] for platform, one in record.items()}


def test_a_definition_keeps_what_did_not_change_and_nothing_else(
    project: Project, both_platforms: None
) -> None:
    with serve() as index:
        version = new_version()
        index.add("kept", version)
        project.env["UV_DEFAULT_INDEX"] = index.url
        spec = SPEC.replace("    apt: [libyaml-0-2]\n    build-apt: [libyaml-dev]\n", "")
        requirement = f"kept=={version}\n"
        project.write({"requirements.in": requirement, "app.py": "1\n", "buildspec.yaml": spec})
        project.ok("lock")
        project.ok("build")
    cache = Path(project.env["NOX_BUILDKIT_CACHE"])
    (wheel,) = cache.glob(f"projects/{project.root.name}-*/inputs/**/kept-*.whl")
    inputs = next(parent for parent in wheel.parents if parent.name == "inputs")
    before = {path: path.stat() for path in inputs.rglob("*") if path.is_file()}
    (inputs / "planted.py").write_text("planted")
    wheel.with_name("planted.whl").symlink_to(wheel)

    project.write({"app.py": "2\n"})
    project.ok("build")
    after = {path: path.stat() for path in inputs.rglob("*") if not path.is_dir()}
    assert after.keys() == before.keys()
    # Time of change and number: it was not linked again.
    assert after[wheel].st_ctime_ns == before[wheel].st_ctime_ns
    assert after[wheel].st_ino == before[wheel].st_ino
