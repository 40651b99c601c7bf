"""The whole path of somebody without root, in the group that may use the machine's dockerd."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nox_buildkit.engine.private.engine import PrivateEngine
from nox_buildkit.facts.base_images import PLAIN
from nox_buildkit.files import remove
from nox_buildkit.mounts import unmount
from tests.support.buildkit_endpoint import serve_buildkit
from tests.support.buildkit_image import import_buildkit
from tests.support.dockerd import bridged, serve_dockerd
from tests.support.oci import ImageIndex
from tests.support.project import APP, Project
from tests.support.real_parts import Tools, free_port, in_cache
from tests.support.registries import Registry, serve_registry
from tests.support.standins import STAND_INS, push
from tests.support.user import GROUP, PlainUser, plain_user

BOTH = {"linux/amd64", "linux/arm64"}
#: Linux programs of uv, which the index of the tests has not.
PROGRAMS = """\
from nox_buildkit.lock.uv_binary import uv_programs
uv_programs(["linux/amd64", "linux/arm64"])
"""


@pytest.fixture(scope="module")
def hub(
    template: Project, engine_home: Path, tools: Tools, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Registry]:
    """A registry with a stand-in for the official image, and room for what is pushed."""
    # Base debian, of which the stand-in is made.
    template.ok("plan")
    with serve_registry(tmp_path_factory.mktemp("hub"), engine_home) as registry:
        slim = {"python:3.13-slim": STAND_INS["python:3.13-slim"]}
        push(registry.address, tools.skopeo, tmp_path_factory.mktemp("layouts"), slim)
        yield registry


@pytest.fixture(scope="module")
def user(private_engine: PrivateEngine) -> Iterator[PlainUser]:
    with plain_user(private_engine.binaries) as user:
        user.execute(PROGRAMS)
        yield user


@pytest.fixture(scope="module")
def options(private_engine: PrivateEngine) -> Iterator[dict[str, Any]]:
    with bridged(private_engine.binaries) as options:
        yield {**options, "group": str(GROUP)}


@pytest.fixture
def dockerd(
    request: pytest.FixtureRequest, private_engine: PrivateEngine, options: dict[str, Any]
) -> Iterator[str]:
    """DOCKER_HOST of the machine's dockerd; the parameter: with the containerd image store."""
    folder = Path(tempfile.mkdtemp(prefix="nbkd"))
    folder.chmod(0o755)
    store = bool(request.param)
    with serve_dockerd(private_engine.binaries, folder, store=store, options=options) as host:
        yield host
    # Network namespaces of containers that used the host's stay mounted.
    unmount(folder)
    remove(folder)


@pytest.fixture
def buildkit_image(
    dockerd: str, hub: Registry, private_engine: PrivateEngine, engine_home: Path
) -> None:
    """The image of buildx's driver `docker-container` is there, and no registry is asked for it."""
    with in_cache(engine_home):
        docker = [str(private_engine.binaries.docker), "--host", dockerd]
        import_buildkit(docker, private_engine.binaries, PLAIN)


@pytest.fixture
def owned(project: Project, user: PlainUser, hub: Registry) -> Iterator[Project]:
    """A small project in a folder of the user's, with a base from a registry."""
    root = Path(tempfile.mkdtemp(prefix="project", dir=user.home))
    shutil.copytree(project.root, root, dirs_exist_ok=True)
    spec = {
        "version": 1,
        "registry": f"{hub.address}/plain",
        "mirrors": {"docker.io": hub.address},
        "images": {"web": {"command": ["python", "-m", "app", "8000"], "expose": [8000]}},
    }
    # Whoever publishes a port does not reach the loopback interface inside.
    app = APP.replace("127.0.0.1", "0.0.0.0")  # noqa: S104 - in a container
    # JSON is YAML.
    files = {"buildspec.yaml": json.dumps(spec), "app/__main__.py": app}
    env = {**project.env, **user.env, "DOCKER_HOST": ""}
    yield Project(root, env, user.python).write(files)


def use_context(user: PlainUser, host: str) -> None:
    """Make ``host`` the current docker context, as Docker Desktop does it."""
    shutil.rmtree(user.home / ".docker/contexts", ignore_errors=True)
    user.docker("context", "create", "machine", "--docker", f"host={host}")
    user.docker("context", "use", "machine")


def walk(project: Project, user: PlainUser, hub: Registry, *, store: bool) -> None:
    """Go the whole path, as the guide tells it; ``store``: images of several platforms fit in."""
    user.own(project.root)
    project.ok("lock")
    project.ok("plan")
    project.ok("build")
    digest = project.digest()
    assert set(ImageIndex.open(project.tar).platforms) == BOTH
    assert "nothing changed" in project.ok("build").stderr
    assert project.tar.stat().st_uid == user.uid

    project.write({"app/__init__.py": "CHANGED = True\n"})
    project.ok("build")
    assert project.digest() != digest

    # Any dockerd of today takes layers of either kind.
    stderr = project.ok("build", "--load", "--set", "images.web.compression=zstd").stderr
    assert "web" in user.docker("image", "ls")
    if not store:
        assert "web: loaded for linux/amd64 alone" in stderr
        assert set(ImageIndex.open(project.tar).platforms) == BOTH
    assert_answers(project)

    project.ok("push")
    assert (
        hub.manifest("plain/web", "latest")[0]
        == project.record("release.json")["images"]["web"]["digest"]
    )
    assert "is there already" in project.ok("push").stderr
    project.ok("doctor")
    project.ok("render")
    assert (project.root / "bake/docker-bake.json").exists()


def assert_answers(project: Project) -> None:
    """Start the image with a published port, ask it, and press Ctrl-C."""
    port = free_port()
    with project.start("run", "--publish", f"{port}:8000") as process:
        try:
            answer = ask(port)
            os.killpg(process.pid, signal.SIGINT)
            _, stderr = process.communicate(timeout=20)
        finally:
            process.kill()
    assert answer["uid"] == 10001, stderr
    assert process.returncode == 0, stderr


def ask(port: int) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.parametrize("dockerd", [True], indirect=True, ids=["containerd-store"])
def test_a_dockerd_with_the_containerd_store_is_all_that_is_needed(
    owned: Project, user: PlainUser, hub: Registry, dockerd: str
) -> None:
    use_context(user, dockerd)
    walk(owned, user, hub, store=True)


@pytest.mark.parametrize("dockerd", [False], indirect=True, ids=["no-store"])
@pytest.mark.usefixtures("buildkit_image")
def test_a_dockerd_without_the_store_gets_a_builder_in_a_container(
    owned: Project,
    user: PlainUser,
    hub: Registry,
    dockerd: str,
) -> None:
    use_context(user, dockerd)
    try:
        user.own(owned.root)
        owned.ok("lock")
        assert "nox-buildkit-machine" in owned.ok("plan").stdout
        stderr = owned.ok("build").stderr
        assert "nox-buildkit-machine, a BuildKit in a container of that dockerd" in stderr
        # It is nobody's current builder.
        assert "machine*" in user.docker("buildx", "ls")
        walk(owned, user, hub, store=False)
    finally:
        user.docker("buildx", "rm", "--force", "nox-buildkit-machine")


@pytest.mark.parametrize("dockerd", [False], indirect=True, ids=["no-store"])
def test_a_remote_builder_builds_and_the_dockerd_runs(
    owned: Project, user: PlainUser, hub: Registry, dockerd: str, private_engine: PrivateEngine
) -> None:
    use_context(user, dockerd)
    with serve_buildkit(private_engine.host) as endpoint:
        create = ("buildx", "create", "--name", "elsewhere", "--use", "--driver", "remote")
        user.docker(*create, endpoint.address)
        try:
            walk(owned, user, hub, store=False)
            assert endpoint.connections
        finally:
            user.docker("buildx", "rm", "elsewhere")


def test_somebody_outside_of_the_group_is_told_how_to_join_it(
    owned: Project, user: PlainUser, private_engine: PrivateEngine
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="nbkd"))
    folder.chmod(0o755)
    others = {"group": str(GROUP + 1)}
    with serve_dockerd(private_engine.binaries, folder, store=True, options=others) as host:
        use_context(user, host)
        user.own(owned.root)
        cause = owned.nox("build").cause
    shutil.rmtree(folder)
    assert "permission denied" in cause
    assert "`sudo usermod -aG docker $USER`" in cause
    # It does not run any more.
    cause = owned.nox("build").cause
    assert "start it: `sudo systemctl start docker`" in cause
