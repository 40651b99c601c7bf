"""Layer caches that another machine reads: an engine with nothing goes on from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.faulty_registry import serve_faulty
from tests.support.project import Project
from tests.support.real_parts import copy_cache
from tests.support.registries import Registry, serve_registry

SPEC = """\
version: 1
defaults: {cache: CACHE}
images:
  web:
    base: debian
    command: [python, -m, app, "8000"]
"""


@pytest.fixture(scope="module")
def registry(engine_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with serve_registry(tmp_path_factory.mktemp("registry"), engine_home) as registry:
        yield registry


def built(project: Project, *arguments: str, **env: str) -> dict[str, object]:
    project.ok("build", *arguments, **env)
    record: dict[str, object] = project.record("build.json")["images"]["web"]
    return record


@pytest.mark.parametrize("kind", ["registry", "local"])
def test_an_engine_with_nothing_goes_on_from_a_cache(
    project: Project, registry: Registry, engine_home: Path, own_home: Path, kind: str
) -> None:
    place = f"ref: {registry.address}/cache/web" if kind == "registry" else "path: .buildcache"
    spec = SPEC.replace("CACHE", f"{{type: {kind}, {place}}}")
    project.write({"buildspec.yaml": spec, ".gitignore": ".buildcache/\ndist/\n"})
    without = built(project)
    # Runners of a matrix write caches of their own.
    for platform in ("linux/amd64", "linux/arm64"):
        built(project, "--no-cache", "--platform", platform, "--export-cache")
    copy_cache(engine_home, own_home, "bases", "uv")
    other = {"NOX_BUILDKIT_CACHE": str(own_home), "DOCKER_HOST": ""}
    (project.root / "dist/build.json").unlink()
    done = project.ok("build", **other)
    # Nobody is told that the cache of another set of platforms is not there.
    assert "layer cache" not in done.stderr
    found = project.record("build.json")["images"]["web"]
    # BuildKit runs a step again when its lookup comes before that of the step's mounts.
    assert found["steps"]["cached"] > found["steps"]["executed"]
    assert found["platforms"] == without["platforms"]


def test_a_cache_that_cannot_be_had_is_no_error(
    project: Project, registry: Registry, tmp_path: Path
) -> None:
    with serve_faulty(registry.address) as broken:
        broken.fault = lambda method, path: 500
        spec = SPEC.replace("CACHE", f"{{type: registry, ref: {broken.address}/cache/web}}")
        project.write({"buildspec.yaml": spec})
        done = project.ok("build", "--export-cache")
    assert "warning: layer cache not read from " in done.stderr
    assert "500 Internal Server Error" in done.stderr
    spec = SPEC.replace("CACHE", "{type: local, path: .buildcache}")
    project.write({"buildspec.yaml": spec, ".gitignore": ".buildcache/\ndist/\n"})
    folder = project.root / ".buildcache/web.linux-amd64-linux-arm64"
    folder.mkdir(parents=True)
    (folder / "index.json").write_text("{")
    assert "is damaged: it is not read" in project.ok("build", "--load").stderr
    spec = SPEC.replace("CACHE", "{type: gha}")
    project.write({"buildspec.yaml": spec, "dist/.keep": ""})
    done = project.ok("build", "--no-cache")
    assert "warning: web: no layer cache, for a step of GitHub without ACTIONS_RUNTIME_TOKEN" in (
        done.stderr
    )
