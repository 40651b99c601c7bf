"""Layers that are compressed with zstd: all of them, and the same ones every time."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nox_buildkit.debian.provision import SuitePackage, check_runs, provision
from nox_buildkit.engine.private.binaries import Binaries
from nox_buildkit.engine.private.engine import PrivateEngine
from nox_buildkit.files import remove
from tests.engine.cli.test_render import in_shell
from tests.support.buildkit_endpoint import serve_buildkit
from tests.support.dockerd import serve_dockerd
from tests.support.oci import ImageIndex
from tests.support.project import SPEC, Project
from tests.support.real_parts import in_cache
from tests.support.registries import Registry, serve_registry

ZSTD = ("--set", "images.web.compression=zstd")
MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
TYPE = "application/vnd.oci.image.layer.v1.tar+"


@pytest.fixture(scope="module")
def registry(engine_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with serve_registry(tmp_path_factory.mktemp("registry"), engine_home) as registry:
        yield registry


def compressions(project: Project) -> set[str]:
    """What the layers of the image are compressed with, by their media types."""
    platforms = ImageIndex.open(project.tar).platforms.values()
    layers = (layer for one in platforms for layer in one.manifest["layers"])
    return {layer["mediaType"].removeprefix(TYPE) for layer in layers}


def test_an_image_does_not_depend_on_what_was_built_before(project: Project) -> None:
    project.ok("build")
    gzip = project.digest()
    assert compressions(project) == {"gzip"}

    project.ok("build", *ZSTD)
    zstd = project.digest()
    assert compressions(project) == {"zstd"}
    assert "nothing changed" in project.ok("build", *ZSTD).stderr

    # BuildKit has each layer twice by now.
    project.ok("build")
    assert project.digest() == gzip
    project.ok("build", "--no-cache", *ZSTD)
    assert project.digest() == zstd


@pytest.mark.parametrize("platform", MACHINES)
@pytest.mark.usefixtures("both_platforms")
def test_containers_start_of_it(
    project: Project, private_engine: PrivateEngine, platform: str
) -> None:
    project.ok("build", "--load", *ZSTD)
    words = ["python", "-c", "import fast, platform; print(platform.machine(), fast.PLATFORM)"]

    said = private_engine.client.run("web:latest", words, platform=platform, remove=True)

    assert said == f"{MACHINES[platform]} {platform}"


@pytest.fixture
def docker_20(engine_home: Path) -> Iterator[str]:
    """DOCKER_HOST of the dockerd that Debian 12 has."""
    names = ("docker.io", "containerd", "runc")
    with in_cache(engine_home):
        packages = [[SuitePackage(name, "bookworm") for name in names]]
        prefix = provision("docker-20", packages, lambda p: check_runs(p / "usr/sbin/dockerd"))
    folder = Path(tempfile.mkdtemp(prefix="nbkd"))
    with serve_dockerd(Binaries(prefix), folder, store=False) as host:
        yield host
    remove(folder)


def test_a_dockerd_that_cannot_unpack_it_is_told_before_anything_is_built(
    project: Project, private_engine: PrivateEngine, docker_20: str
) -> None:
    with serve_buildkit(private_engine.host) as endpoint:
        node = {"endpoint": endpoint.address, "platforms": ["linux/amd64", "linux/arm64"]}
        name = f"far-{secrets.token_hex(4)}"
        builder = {"name": name, "driver": "remote", "nodes": [node]}
        # JSON is YAML.
        spec = f"{SPEC}builder: {json.dumps(builder)}\n"
        project.write({"buildspec.yaml": spec})
        cause = project.nox("build", "--load", *ZSTD, DOCKER_HOST=docker_20).cause
        assert "dockerd 20.10" in cause
        assert "does not read layers of zstd, which web has; take Docker 23 or newer" in cause
        assert not project.tar.exists()
        project.ok("build", "--load", DOCKER_HOST=docker_20)


def test_a_registry_gets_it_from_a_push_and_from_the_definition_alone(
    project: Project, registry: Registry, tmp_path: Path
) -> None:
    words = (*ZSTD, "--set", f"registry={registry.address}/demo")
    project.ok("push", *words)
    digest, index = registry.manifest("demo/web", "latest")
    assert digest == project.record("release.json")["images"]["web"]["digest"]
    for entry in index["manifests"]:
        _, manifest = registry.manifest("demo/web", entry["digest"])
        assert {layer["mediaType"] for layer in manifest["layers"]} == {f"{TYPE}zstd"}

    # Whoever verifies it reads the layers.
    address = "https://user:sesame@example.com/"
    project.write({"app/settings.py": f"ADDRESS = {address!r}\n"})
    project.ok("push", *words)
    failure = project.nox("verify", f"{registry.address}/demo/web:latest").failure
    assert "settings.py contains an address with a password" in failure
    (project.root / "app/settings.py").unlink()

    done = project.ok("render", "--output", "bake", *words)
    (line,) = (line for line in done.stderr.splitlines() if "docker buildx bake" in line)
    network = tmp_path / "network.sh"
    network.write_text(f"export UV_DEFAULT_INDEX={project.env['UV_DEFAULT_INDEX']}\n")
    baked = in_shell(
        project, line.strip(), "--push", f"--allow=fs={tmp_path}",
        f"--set=*.tags={registry.address}/demo/baked:latest",
        f"--set=*.secrets=type=file,id=network,src={network}",
    )  # fmt: skip
    assert baked.code == 0, baked.stderr
    assert registry.manifest("demo/baked", "latest")[0] == digest
