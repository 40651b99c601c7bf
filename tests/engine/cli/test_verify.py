"""Published images, looked into from outside, and built again."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nox_buildkit.oci.image_writer import Entry, PlatformImage, write_images
from nox_buildkit.oci.layout import Layout
from nox_buildkit.release.http_repository import HttpRepository
from nox_buildkit.release.push import push
from tests.support.project import Project, git
from tests.support.registries import Registry, serve_registry

SPEC = """\
version: 1
images:
  web:
    base: debian
    requirements: all
    command: [python, -m, app, "8000"]
    repositories: [REPOSITORY]
requirements:
  all: {source: requirements.in, output: requirements.lock}
"""


@pytest.fixture(scope="module")
def registry(engine_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with serve_registry(tmp_path_factory.mktemp("registry"), engine_home) as registry:
        yield registry


def released(project: Project, name: str) -> None:
    """Release the project, committed and tagged, as ``name``."""
    text = "[project]\nname = 'web'\nversion = '1.0'\n"
    spec = SPEC.replace("REPOSITORY", name)
    project.write({"pyproject.toml": text, ".gitignore": "dist/\n", "buildspec.yaml": spec})
    git(project.root, "init", "-q", "-b", "main")
    git(project.root, "add", "-A")
    git(project.root, "commit", "-q", "-m", "first")
    git(project.root, "tag", "v1.0")
    project.ok("release")


def test_a_release_is_verified_and_reproduced(
    project: Project, registry: Registry, tmp_path: Path
) -> None:
    name = f"{registry.address}/verified/web"
    released(project, name)
    done = project.ok("verify", f"{name}:1.0", "--reproduce")
    assert "(linux/amd64, linux/arm64): nothing wrong; 4 attestations" in done.stdout
    assert "as its commit and lock say" in done.stdout
    record = json.loads(project.ok("verify", f"{name}:1.0", "--json").stdout)["images"][0]
    assert record["compared"] is True
    assert record["problems"] == []

    # Somebody puts another image in its place: one layer more, with a module that was changed.
    tampered(registry, name, tmp_path)
    done = project.nox("verify", f"{name}:1.0", "--reproduce")
    path = "opt/venv/lib/python3.13/site-packages/plain/__init__.py"
    assert f"linux/amd64: plain: not as its RECORD says: /{path} was changed" in done.failure
    assert f"{name}:1.0: linux/amd64: layer " in done.failure
    assert set(done.failure.codes) == {"NBK801"}
    assert "linux/arm64: " not in done.failure

    git(project.root, "commit", "-q", "--allow-empty", "-m", "second")
    done = project.nox("verify", f"{name}:latest", "--reproduce")
    assert f"{name}:latest is not of the commit that is checked out" in done.failure
    assert done.failure.codes == ["NBK803"]
    assert "of another commit: no lock to ask" in project.ok("verify", f"{name}:latest").stdout


def tampered(registry: Registry, name: str, folder: Path) -> None:
    """Move the tag 1.0 to the same image with another module on one platform."""
    repository = HttpRepository.open(name)
    digest, index = registry.manifest(name.partition("/")[2], "1.0")
    layout = Layout(folder / "tampered")
    info = tarfile.TarInfo("opt/venv/lib/python3.13/site-packages/plain/__init__.py")
    write_images(layout.folder, [PlatformImage("linux/amd64", (Entry(info, b"evil = 1\n"),))])
    (top,) = layout.entries()
    (_, extra), *_ = layout.images(top.digest)
    (layer,) = extra.layers
    amd64, arm64, *_ = index["manifests"]
    path = name.partition("/")[2]
    manifest = registry.manifest(path, amd64["digest"])[1]
    config = json.loads(registry.blob(path, manifest["config"]["digest"]))
    unpacked = layout.configuration(extra).diff_ids
    config["rootfs"]["diff_ids"] += unpacked
    written = layout.write("application/json", json.dumps(config).encode())
    manifest["config"] |= {"digest": written.digest, "size": written.size}
    manifest["layers"].append(
        {"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size}
    )
    content = json.dumps(manifest).encode()
    changed = layout.write(amd64["mediaType"], content)
    index["manifests"] = [amd64 | {"digest": changed.digest, "size": changed.size}, arm64]
    whole = json.dumps(index).encode()
    for digest in (layer.digest, written.digest):
        repository.put_blob(digest, layout.path(digest))
    repository.put_manifest(content, amd64["mediaType"], changed.digest)
    repository.put_manifest(whole, index["mediaType"], "1.0")


def test_an_image_that_is_of_nobody_here(
    project: Project, registry: Registry, tmp_path: Path
) -> None:
    name = f"{registry.address}/foreign/tool"
    secret = Entry(tarfile.TarInfo("root/.netrc"), b"machine x")
    write_images(tmp_path, [PlatformImage("linux/amd64", (secret,), {"Entrypoint": ["/tool"]})])
    layout = Layout(tmp_path)
    (top,) = layout.entries()
    repository = HttpRepository.open(name)
    push(repository, layout, top.digest)
    done = project.nox("verify", f"{name}@{top.digest}")
    assert f"{name}@{top.digest}: linux/amd64: /root/.netrc is a file for credentials" in (
        done.failure
    )
    assert "'/tool', which it starts, is not in the image" in done.failure
    failure = project.nox("verify", f"{name}:2.0").failure
    assert f"there is no image {name}:2.0; check the name and the tag" in failure
    assert failure.codes == ["NBK710"]
