"""Builders of several machines: described in the spec, created, asked, and used."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nox_buildkit.engine.private import engine as private
from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.buildkit_endpoint import Endpoint, serve_buildkit
from tests.support.oci import ImageIndex
from tests.support.package_index import new_version
from tests.support.project import SPEC, Project, git
from tests.support.real_parts import in_cache
from tests.support.registries import serve_registry

BUILDER = """\
builder:
  name: NAME
  driver: remote
  nodes:
    - endpoint: FIRST
      platforms: [linux/amd64]
    - endpoint: SECOND
      platforms: [linux/arm64]
      tls: {ca: certs/ca.pem, cert: certs/cert.pem, key: certs/key.pem}
"""


@dataclass(frozen=True)
class Farm:
    """A builder of two nodes."""

    name: str
    first: Endpoint
    second: Endpoint


@pytest.fixture
def farm(
    project: Project, private_engine: PrivateEngine, own_home: Path, tmp_path: Path
) -> Iterator[Farm]:
    """Two BuildKits on TCP, the second with mutual TLS; the spec of ``project`` has both."""
    with in_cache(own_home):
        second = private.start()
    certificates = project.root / "certs"
    with (
        serve_buildkit(private_engine.host) as one,
        serve_buildkit(second.host, certificates) as two,
    ):
        # buildx remembers builders, so each has another name.
        farm = Farm(f"farm-{secrets.token_hex(4)}", one, two)
        described(project, farm.name, one.address, two.address)
        project.env["DOCKER_HOST"] = ""
        yield farm


def described(project: Project, name: str, first: str, second: str) -> None:
    """Describe a builder in the spec of ``project``."""
    text = BUILDER.replace("NAME", name).replace("FIRST", first).replace("SECOND", second)
    project.write({"buildspec.yaml": SPEC + text, ".gitignore": "certs/\ndist/\n"})


def test_each_platform_is_built_on_its_node(
    project: Project, private_engine: PrivateEngine, farm: Farm
) -> None:
    plan = json.loads(project.ok("plan", "--json").stdout)
    # Both have this machine's processor, whatever they are given to build.
    assert plan["native"] == ["linux/amd64"]
    before = [node.connections for node in (farm.first, farm.second)]
    project.ok("build")
    assert all(
        node.connections > count
        for node, count in zip((farm.first, farm.second), before, strict=True)
    )
    digest = project.digest()
    assert set(ImageIndex.open(project.tar).platforms) == {"linux/amd64", "linux/arm64"}
    # Another run uses the builder that is there.
    assert "nothing changed" in project.ok("build").stderr
    # One machine makes the same.
    shutil.rmtree(project.root / "dist")
    project.ok("build", "--builder", "default", DOCKER_HOST=private_engine.host)
    assert project.digest() == digest


def test_a_builder_of_that_name_that_differs_is_refused(project: Project, farm: Farm) -> None:
    project.ok("plan")
    described(project, farm.name, farm.first.address, "tcp://127.0.0.1:9")
    cause = project.nox("plan").cause
    assert cause == project.nox("build").cause
    assert f"builder {farm.name}: it is another builder than the spec describes: " in cause
    assert f"the endpoint of {farm.name}1 is" in cause
    assert ", not tcp://127.0.0.1:9" in cause
    assert f"run `docker buildx rm {farm.name}`" in cause


@pytest.mark.alone
def test_a_node_that_dies_in_a_build_leaves_no_tag(
    project: Project, farm: Farm, engine_home: Path, tmp_path: Path
) -> None:
    # A step of its own runs without a network, which these nodes do not have.
    step = f"import time; time.sleep(20); open('made', 'w').write('{new_version()}')"
    steps = [{"run": ["python", "-c", step], "output": ["made"]}]
    spec = (project.root / "buildspec.yaml").read_text()
    added = spec.replace("builder:", f"    steps: {json.dumps(steps)}\nbuilder:", 1)
    project.write({"buildspec.yaml": added})
    project.ok("plan")
    (tmp_path / "registry").mkdir()
    with serve_registry(tmp_path / "registry", engine_home) as registry:
        arguments = ("--set", f"registry={registry.address}/demo")
        with project.start("push", *arguments) as process:
            assert process.stderr
            assert any("arm64" in line and "time.sleep" in line for line in process.stderr)
            farm.second.end()
            _, stderr = process.communicate(timeout=120)
        assert process.returncode == 1
        assert f"a node of the builder {farm.name} went away" in stderr
        assert f"`docker buildx inspect {farm.name}` shows its nodes" in stderr
        tags = registry.data / "docker/registry/v2/repositories/demo/web/_manifests/tags"
        assert not tags.exists()
        assert not project.tar.exists()


def test_an_index_of_several_nodes_is_pushed(
    project: Project,
    farm: Farm,
    private_engine: PrivateEngine,
    engine_home: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "registry").mkdir()
    with serve_registry(tmp_path / "registry", engine_home) as registry:
        project.ok("push", "--set", f"registry={registry.address}/demo")
        assert (
            registry.manifest("demo/web", "latest")[0]
            == (project.record("release.json")["images"]["web"]["digest"])
        )
    cause = project.nox("build", "--load", DOCKER_HOST=private_engine.host).cause
    assert f"the nodes of {farm.name} have no image store in common to load into" in cause


def test_a_release_has_the_statements_of_every_node(
    project: Project, farm: Farm, engine_home: Path, tmp_path: Path
) -> None:
    (tmp_path / "registry").mkdir()
    with serve_registry(tmp_path / "registry", engine_home) as registry:
        version = "[project]\nname = 'web'\nversion = '1.2.3'\n"
        project.write({"pyproject.toml": version})
        git(project.root, "init", "-q", "-b", "main")
        git(project.root, "add", "-A")
        git(project.root, "commit", "-q", "-m", "1.2.3")
        git(project.root, "tag", "v1.2.3")
        project.ok("release", "--set", f"registry={registry.address}/demo")
        digest, content = registry.manifest("demo/web", "1.2.3")
        assert digest == registry.manifest("demo/web", "latest")[0]
    kinds = [entry["platform"]["architecture"] for entry in content["manifests"]]
    assert kinds[:2] == ["amd64", "arm64"]
    # Provenance and a bill of materials of each.
    assert kinds[2:] == ["unknown"] * 4


def test_a_node_that_is_not_there(project: Project, farm: Farm) -> None:
    farm.second.end()
    began = time.monotonic()
    cause = project.nox("build").cause
    assert f"its node {farm.name}1 ({farm.second.address}) does not answer" in cause
    assert cause == project.nox("plan").cause
    # buildx itself waits 20 seconds for each.
    assert time.monotonic() - began < 15
