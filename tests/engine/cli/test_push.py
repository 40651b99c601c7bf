"""Pushing to real registries: what they hold then, and what is said when they refuse."""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.oci import ImageIndex
from tests.support.project import SPEC, Project
from tests.support.real_parts import free_port
from tests.support.registries import PASSWORD, USER, Registry, serve_registry

VERSIONED = "[project]\nname = 'web'\nversion = '1.2.3'\n"


@pytest.fixture(scope="module")
def open_registry(
    engine_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Registry]:
    with serve_registry(tmp_path_factory.mktemp("registry"), engine_home) as registry:
        yield registry


@pytest.fixture(scope="module")
def closed_registry(
    engine_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("registry")
    with serve_registry(folder, engine_home, password=True) as registry:
        yield registry


@pytest.fixture
def versioned(project: Project) -> Project:
    """A project with a version, whose requirements are still those of requirements.in."""
    spec = SPEC.replace("base: debian", "base: debian\n    requirements: all")
    return project.write(
        {
            "pyproject.toml": VERSIONED,
            "buildspec.yaml": f"{spec}requirements:\n  all: {{source: requirements.in, "
            "output: requirements.lock}\n",
        }
    )


def _registry(registry: Registry, name: str) -> tuple[str, str]:
    return "--set", f"registry={registry.address}/{name}"


def test_push_and_push_again(versioned: Project, open_registry: Registry) -> None:
    where = _registry(open_registry, "demo")
    first = versioned.ok("push", *where)
    name = f"{open_registry.address}/demo/web"
    release = versioned.record("release.json")["images"]["web"]
    assert release["tags"] == [f"{name}:1.2.3", f"{name}:latest"]
    for tag in release["tags"]:
        assert f"{tag}@{release['digest']} pushed" in first.stderr
        digest, index = open_registry.manifest("demo/web", tag.rpartition(":")[2])
        assert digest == release["digest"]
    platforms = {}
    for entry in index["manifests"]:
        digest, manifest = open_registry.manifest("demo/web", entry["digest"])
        assert digest == entry["digest"]
        config = json.loads(open_registry.blob("demo/web", manifest["config"]["digest"]))
        platforms[f"{config['os']}/{config['architecture']}"] = digest
    assert sorted(platforms) == ["linux/amd64", "linux/arm64"]
    assert platforms == {k: v["digest"] for k, v in release["platforms"].items()}
    # What lies in dist is of `build`, whose image is the same.
    assert not versioned.tar.exists()
    assert release["output"] == ""
    before = open_registry.state()

    second = versioned.ok("push", *where)

    for tag in release["tags"]:
        assert f"{tag}@{release['digest']} is there already" in second.stderr
    assert "RUN" not in second.stderr
    assert open_registry.state() == before
    versioned.ok("build", *where)
    assert ImageIndex.open(versioned.tar).digest == release["digest"]


def test_a_tag_that_names_something_else_is_pushed_again(
    project: Project, open_registry: Registry
) -> None:
    where = _registry(open_registry, "moved")
    project.ok("push", *where)
    mine = project.record("release.json")["images"]["web"]["digest"]
    other = Project(project.root, project.env)
    record = (project.root / "dist" / "release.json").read_bytes()
    other.ok("push", *where, "--set", "images.web.env.WHO=somebody else")
    assert open_registry.manifest("moved/web", "latest")[0] != mine

    (project.root / "dist" / "release.json").write_bytes(record)
    done = project.ok("push", *where)
    assert "pushed" in done.stderr
    assert open_registry.manifest("moved/web", "latest")[0] == mine


def test_an_immutable_tag_is_not_pushed_over(versioned: Project, open_registry: Registry) -> None:
    spec = (versioned.root / "buildspec.yaml").read_text()
    versioned.write({"buildspec.yaml": f"{spec}defaults: {{immutable-tags: ['{{version}}']}}\n"})
    where = _registry(open_registry, "fixed")
    versioned.ok("push", *where)
    before = open_registry.state()

    done = versioned.nox("push", *where, "--set", "images.web.env.WHO=somebody else")
    assert done.code != 0
    name = f"{open_registry.address}/fixed/web:1.2.3"
    assert f"{name} is immutable, and names sha256:" in done.failure
    assert done.failure.codes == ["NBK704"]
    assert open_registry.state() == before
    versioned.ok("push", *where)


def test_one_platform_is_an_index_too(project: Project, open_registry: Registry) -> None:
    project.ok("push", *_registry(open_registry, "one"), "--platform", "linux/arm64")
    _, index = open_registry.manifest("one/web", "latest")
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["arm64"]


def test_credentials_are_those_of_docker_login(
    project: Project, closed_registry: Registry, tmp_path: Path
) -> None:
    where = _registry(closed_registry, "demo")
    refused = project.nox("push", *where)
    assert closed_registry.address in refused.failure
    assert "refuses" in refused.failure
    assert f"docker login {closed_registry.address}" in refused.failure
    assert not (project.root / "dist" / "release.json").exists()

    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    config = {"auths": {closed_registry.address: {"auth": auth}}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    accepted = project.ok("push", *where, DOCKER_CONFIG=str(tmp_path))
    assert "pushed" in accepted.stderr
    assert PASSWORD not in accepted.stderr + accepted.stdout
    assert auth not in accepted.stderr + accepted.stdout


def test_a_registry_that_is_not_there(project: Project) -> None:
    address = f"127.0.0.1:{free_port()}"
    done = project.nox("push", "--set", f"registry={address}/demo")
    assert f"the registry {address} cannot be reached (connection refused)" in done.failure
    assert not (project.root / "dist" / "release.json").exists()


def test_a_spec_without_a_registry(project: Project) -> None:
    cause = project.nox("push").cause
    assert "buildspec.yaml names no registry to publish web in" in cause
    assert cause.codes == ["NBK410"]


TWO = """\
version: 1
defaults: {base: debian, requirements: none, platforms: [linux/amd64]}
images:
  one: {command: [python, -V]}
  two: {command: [python, -V], env: {WHICH: two}}
"""


def test_no_tag_is_written_before_everything_is_there(
    project: Project, open_registry: Registry
) -> None:
    """A file is where the registry needs a folder, so that it can keep no image of that name."""
    project.write({"buildspec.yaml": TWO, "pyproject.toml": VERSIONED})
    at = open_registry.data / "docker/registry/v2/repositories/partly"
    at.mkdir(parents=True)
    (at / "two").write_text("")

    failure = project.nox("push", *_registry(open_registry, "partly")).failure

    name = f"{open_registry.address}/partly"
    assert f"the registry {open_registry.address} answers 500" in failure
    assert f"not published: {name}/one:1.2.3, {name}/one:latest; not known: {name}/two" in failure
    assert not (project.root / "dist/release.json").exists()


def test_what_is_published_and_what_is_not_is_said_of_a_push_that_fails(
    project: Project, open_registry: Registry
) -> None:
    """A file is where the registry needs a folder, so that it can keep no tag of that name."""
    project.write({"buildspec.yaml": TWO, "pyproject.toml": VERSIONED})
    tags = open_registry.data / "docker/registry/v2/repositories/half/one/_manifests/tags"
    tags.mkdir(parents=True)
    (tags / "latest").write_text("")

    lines = project.nox("push", *_registry(open_registry, "half")).failure.splitlines()

    digest, _ = open_registry.manifest("half/one", "1.2.3")
    name = f"{open_registry.address}/half"
    assert lines[-1].startswith(f"published: {name}/one:1.2.3@{digest}, {name}/two:1.2.3@")
    assert f"{name}/one:latest" in lines[-1].partition("; ")[2]
    assert not (project.root / "dist/release.json").exists()


def test_a_registry_that_never_answers(project: Project) -> None:
    project.write({"buildspec.yaml": TWO})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        where = ("--set", f"registry={address}/x", "one")
        done = project.nox("push", *where, NOX_BUILDKIT_PUSH_TIMEOUT="17")
    assert f"the registry {address} cannot be reached (it does not answer)" in done.failure
    assert time.monotonic() - began < 120
    assert not (project.root / "dist/release.json").exists()
