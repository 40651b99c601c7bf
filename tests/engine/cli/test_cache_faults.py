"""Layer caches that are at fault: a build goes on without them, and says so."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.faulty_registry import serve_faulty
from tests.support.project import SPEC, Project
from tests.support.real_parts import copy_cache
from tests.support.registries import Registry, serve_registry

ONE = ("--platform", "linux/amd64")
KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
TOKEN = {"ACTIONS_RUNTIME_TOKEN": "a.b.c", "ACTIONS_RESULTS_URL": "http://127.0.0.1:9/"}


@pytest.fixture(scope="module")
def registry(engine_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with serve_registry(tmp_path_factory.mktemp("registry"), engine_home) as registry:
        yield registry


@pytest.fixture
def other(own_home: Path, engine_home: Path) -> dict[str, str]:
    """Another machine: an engine with nothing."""
    copy_cache(engine_home, own_home, "bases", "uv")
    return {"NOX_BUILDKIT_CACHE": str(own_home), "DOCKER_HOST": ""}


def _cached(project: Project, cache: str, more: str = "") -> None:
    project.write({"buildspec.yaml": f"{SPEC}{more}defaults: {{cache: {cache}}}\n"})


def _referred(folder: Path) -> set[str]:
    """Names of the blobs that the cache in ``folder`` consists of."""
    (top,) = json.loads((folder / "index.json").read_text())["manifests"]
    name = top["digest"].removeprefix("sha256:")
    manifest = json.loads((folder / "blobs/sha256" / name).read_text())
    blobs = (manifest["config"], *manifest["layers"])
    return {name, *(blob["digest"].removeprefix("sha256:") for blob in blobs)}


@pytest.mark.parametrize(
    ("cache", "env", "said"),
    [
        ("{type: s3, bucket: a, region: b}", KEYS, "since dockerd's own BuildKit has no 's3'"),
        ("gha", {}, "for a step of GitHub without ACTIONS_RUNTIME_TOKEN and ACTIONS_RESULTS_URL"),
        ("gha", TOKEN, "no layer cache is written: failed to configure gha cache exporter: token"),
        ("registry", {}, "since neither 'ref' nor 'registry' is set"),
    ],
)
def test_a_cache_that_the_engine_cannot_set_up(
    project: Project, cache: str, env: dict[str, str], said: str
) -> None:
    _cached(project, cache)
    assert said in project.ok("build", "--export-cache", *ONE, **env).stderr


def test_a_registry_that_never_answers(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        _cached(project, f"{{type: registry, ref: '{address}/a'}}")
        done = project.ok("build", *ONE)
    cause = f"web: no layer cache, since the registry {address} does not answer in 10 s"
    assert cause in done.stderr


def test_layers_that_a_cache_has_no_more(
    project: Project, registry: Registry, other: dict[str, str]
) -> None:
    with serve_faulty(registry.address) as proxy:
        _cached(project, f"{{type: registry, ref: '{proxy.address}/gone'}}")
        project.ok("build", "--export-cache", *ONE)
        expected = project.digest()
        shutil.rmtree(project.root / "dist")
        seen: dict[str, int] = {}

        def fault(method: str, path: str) -> int | None:
            if method != "GET" or "/blobs/" not in path:
                return None
            # The first is the list of what there is.
            return 404 if seen.setdefault(path, len(seen)) else None

        proxy.fault = fault
        done = project.ok("build", *ONE, **other)
    assert "warning: no layer cache is read: failed to copy: " in done.stderr
    assert "[NBK607]; building again without" in done.stderr
    assert project.digest() == expected


def test_a_damaged_folder_is_not_read_and_is_made_anew(
    project: Project, other: dict[str, str]
) -> None:
    _cached(project, "local")
    project.ok("build", "--export-cache", *ONE)
    shutil.rmtree(project.root / "dist")
    blobs = list((project.root / ".buildcache").glob("*/blobs/sha256/*"))
    content = bytearray(blobs[0].read_bytes())
    content[len(content) // 2] ^= 1
    blobs[0].write_bytes(content)
    done = project.ok("build", "--export-cache", *ONE, **other)
    assert "web.linux-amd64 is damaged: it is not read" in done.stderr
    for blob in (project.root / ".buildcache").glob("*/blobs/sha256/*"):
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name


def test_a_folder_is_in_no_image_and_holds_the_last_build_alone(project: Project) -> None:
    _cached(project, "local")
    for text in ("one", "two"):
        project.write({"app/data.txt": text})
        project.ok("build", "--export-cache", *ONE)
        (folder,) = (project.root / ".buildcache").iterdir()
        assert {p.name for p in (folder / "blobs/sha256").iterdir()} == _referred(folder)
    # Neither the folder nor the key is part of what is built.
    assert "nothing changed" in project.ok("build", *ONE).stderr
    _cached(project, "gha")
    project.write({".gitignore": ".buildcache/\n"})
    assert "nothing changed" in project.ok("build", *ONE).stderr


def test_a_folder_with_other_files_is_refused(project: Project) -> None:
    _cached(project, "{type: local, path: app}")
    cause = project.nox("build", *ONE).cause
    assert cause.codes == ["NBK402"]
    assert "the cache's folder 'app' holds other files (__init__.py)" in cause


def test_images_and_platforms_do_not_overwrite_each_other(
    project: Project, registry: Registry
) -> None:
    two = '  two: {base: debian, command: [python, -m, app, "1"]}\n'
    _cached(project, f"{{type: registry, ref: '{registry.address}/shared'}}", two)
    for platform in ("linux/amd64", "linux/arm64"):
        project.ok("build", "--export-cache", "--platform", platform)
    tags = registry.data / "docker/registry/v2/repositories/shared/_manifests/tags"
    assert {path.name for path in tags.iterdir()} == {
        f"buildcache-{image}.linux-{machine}"
        for image in ("web", "two")
        for machine in ("amd64", "arm64")
    }


def test_causes_are_told_once(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    _cached(project, f"{{type: registry, ref: '127.0.0.1:{port}/a'}}")
    done = project.ok("build", "--export-cache")
    told = [line for line in done.stderr.splitlines() if "layer cache not" in line]
    assert len(told) == 2
    assert all("connection refused; the build did without" in line for line in told)
    assert json.loads((project.root / "dist/build.json").read_text())["images"]["web"]
