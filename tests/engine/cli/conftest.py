"""Projects to run nox in: one real application, and small ones that cost a second."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from python_on_whales import Container

from nox_buildkit.debian.archive import host_archive
from nox_buildkit.engine.private import emulation
from nox_buildkit.engine.private.engine import PrivateEngine
from nox_buildkit.lock.uv_binary import uv_programs
from tests.support.oci import ImageIndex
from tests.support.package_index import PackageIndex, new_version, serve
from tests.support.project import APP, NOXFILE, SPEC, Built, Project, git
from tests.support.real_parts import free_port, in_cache

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def common(
    private_engine: PrivateEngine, engine_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What every command gets: the engine of the session, and no cache of anybody's uv."""
    with in_cache(engine_home):
        # Both: a rendered folder has one for each, and the index of the tests has none.
        uv_programs(["linux/amd64", "linux/arm64"])
    return {
        "NOX_BUILDKIT_CACHE": str(engine_home),
        "DOCKER_HOST": private_engine.host,
    }


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageIndex]:
    """An index with ``plain`` (no machine code) and ``fast`` (a wheel for each platform)."""
    with serve() as index:
        index.add("plain", "1.0")
        index.add("plain", "1.1")
        index.add_native("fast", "2.0")
        yield index


@pytest.fixture(scope="session")
def template(
    common: dict[str, str], index: PackageIndex, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A small project whose lock is up to date, to copy."""
    cache = str(tmp_path_factory.mktemp("uv"))
    env = {**common, "UV_DEFAULT_INDEX": index.url, "UV_CACHE_DIR": cache}
    project = Project(tmp_path_factory.mktemp("template"), env)
    project.write(
        {
            "noxfile.py": NOXFILE,
            "buildspec.yaml": SPEC,
            "requirements.in": "plain==1.0\nfast\n",
            "app/__init__.py": "",
            "app/__main__.py": APP,
        }
    )
    project.ok("lock")
    return project


@pytest.fixture
def project(template: Project, tmp_path: Path) -> Project:
    """A small project of the test's own: two packages, a server, both platforms."""
    root = tmp_path / "project"
    shutil.copytree(template.root, root)
    return Project(root, dict(template.env))


@pytest.fixture(scope="session")
def built_template(template: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small project after a build."""
    root = tmp_path_factory.mktemp("built") / "project"
    shutil.copytree(template.root, root)
    project = Project(root, dict(template.env))
    project.ok("build")
    return project


@pytest.fixture
def built(built_template: Project, tmp_path: Path) -> Project:
    """A small project of the test's own that was built: what is built does not depend on where."""
    root = tmp_path / "project"
    shutil.copytree(built_template.root, root)
    return Project(root, dict(built_template.env))


@pytest.fixture
def unseen(project: Project) -> Iterator[tuple[Project, PackageIndex]]:
    """A small project with an index of its own, whose ``plain`` no build has seen before."""
    with serve() as index:
        version = new_version()
        index.add("plain", version)
        index.add_native("fast", "2.0")
        project.env["UV_DEFAULT_INDEX"] = index.url
        project.write({"requirements.in": f"plain=={version}\nfast\n"})
        project.ok("lock")
        yield project, index


@pytest.fixture(scope="session")
def fastapi(common: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The example that the repository's own buildspec.yaml builds, in a repository of its own."""
    root = tmp_path_factory.mktemp("repository")
    shutil.copytree(
        REPOSITORY / "examples" / "fastapi",
        root / "examples" / "fastapi",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    project = Project(root, dict(common)).write(
        {
            "noxfile.py": NOXFILE,
            "buildspec.yaml": (REPOSITORY / "buildspec.yaml").read_text(),
            ".gitignore": "dist/\n__pycache__/\n",
        }
    )
    git(root, "init", "--quiet")
    git(root, "remote", "add", "origin", "https://me:hidden-token@git.example/me/hello.git")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "Say hello")
    project.ok("build", CI="true")
    image = ImageIndex.open(root / "dist" / "hello.oci.tar")
    return Built(project, image, git(root, "rev-parse", "HEAD"))


@pytest.fixture(scope="session")
def both_platforms(engine_home: Path) -> None:
    """This host runs programs of both platforms."""
    with in_cache(engine_home):
        emulation.ensure(["linux/amd64", "linux/arm64"], os.uname().machine)


@pytest.fixture(scope="session")
def started(
    fastapi: Built, private_engine: PrivateEngine, both_platforms: None
) -> Iterator[dict[str, tuple[Container, int]]]:
    """The example's containers by platform, with the ports that they are going to listen on.

    Starting takes minutes under QEMU, so it goes on while other tests look at the image.
    """
    client = private_engine.client
    client.load(fastapi.project.root / "dist" / "hello.oci.tar")
    containers = {}
    for platform, image in fastapi.image.platforms.items():
        port = free_port()
        command = [str(port) if word == "8000" else word for word in image.config["config"]["Cmd"]]
        container = client.run(
            "hello:0.1.0", command, detach=True, networks=["host"], platform=platform
        )
        assert isinstance(container, Container)
        containers[platform] = (container, port)
    yield containers
    for container, _ in containers.values():
        container.remove(force=True)


@pytest.fixture(scope="session")
def releases_alone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A configuration of apt (APT_CONFIG) with Debian's releases, without their updates.

    Mirrors have the updates of rare architectures later than those of others.
    """
    folder, archive = tmp_path_factory.mktemp("apt"), host_archive()
    sources, configuration = folder / "sources.list", folder / "apt.conf"
    sources.write_text(f"deb [signed-by={archive.signed_by}] {archive.uri} {archive.suite} main\n")
    configuration.write_text(
        f'Dir::Etc::sourcelist "{sources}";\nDir::Etc::sourceparts "/dev/null";\n'
    )
    return str(configuration)
