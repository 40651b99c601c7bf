"""nox -s doctor on machines and projects that are well, and on those that are not."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from nox_buildkit.engine.private import engine as private
from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.buildkit_endpoint import serve_buildkit
from tests.support.package_index import PackageIndex, serve
from tests.support.project import SPEC, Project
from tests.support.real_parts import free_port
from tests.support.registries import Registry, serve_registry
from tests.support.schemas import validated

Check = dict[str, Any]


@pytest.fixture
def registry(engine_home: Path, tmp_path: Path) -> Iterator[Registry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with serve_registry(folder, engine_home) as registry:
        yield registry


@pytest.fixture
def docker(project: Project, private_engine: PrivateEngine, tmp_path: Path) -> Path:
    """A docker client with buildx first on the project's PATH; return its configuration folder."""
    folder = tmp_path / "docker"
    (folder / "cli-plugins").mkdir(parents=True)
    (folder / "cli-plugins/docker-buildx").symlink_to(private_engine.binaries.buildx)
    path = f"{private_engine.binaries.docker.parent}:{os.environ['PATH']}"
    project.env |= {"PATH": path, "DOCKER_CONFIG": str(folder)}
    return folder


def checks(
    project: Project, *options: str, fails: bool = False, env: Mapping[str, str] | None = None
) -> list[Check]:
    """Return the answers of all checks."""
    done = project.nox("doctor", "--json", *options, **(env or {}))
    assert (done.code != 0) == fails, done.stderr
    found: list[Check] = validated("doctor", done.stdout)["checks"]
    problems = [each for each in found if each["verdict"] == "problem"]
    assert bool(problems) == fails, found
    # Everything that is not well has something that mends it, and is told as an error.
    assert [each for each in found if bool(each["fix"]) == (each["verdict"] == "ok")] == []
    assert not fails or len(done.failure.splitlines()) == len(problems)
    return found


def of(name: str, found: Sequence[Check]) -> Check:
    """Return the only answer of the check ``name``."""
    (check,) = (each for each in found if each["check"] == name)
    return check


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_a_project_that_is_well(project: Project, registry: Registry) -> None:
    project.write({"buildspec.yaml": SPEC + f"registry: {registry.address}/well\n"})
    before = files(project.root)
    done = project.ok("doctor")
    assert files(project.root) == before
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    for name in (
        "buildspec", "locks", "engine", "private engine", "builder", "image store", "platform",
        "disk", "cache", "registry", "package index", "certificates", "proxy", "uv", "git",
        "versions",
    ):  # fmt: skip
        assert any(line[9:].startswith(f"{name}  ") for line in lines), name
    assert "\x1b" not in done.stdout

    found = checks(project)
    assert of("engine", found)["facts"]["private"] is True
    assert of("private engine", found)["facts"]["state"] == "running"
    assert of("registry", found)["facts"]["by_digest"] is True
    assert [each["facts"]["platform"] for each in found if each["check"] == "platform"] == [
        "linux/amd64",
        "linux/arm64",
    ]
    assert of("versions", found)["facts"]["uv"] == of("uv", found)["facts"]["version"]


def test_nothing_is_started_or_unpacked(project: Project, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    found = checks(project, env={"NOX_BUILDKIT_CACHE": str(cache), "DOCKER_HOST": ""})
    assert of("cache", found)["message"] == f"{cache} is made by the first build"
    assert of("private engine", found)["facts"]["state"] == "absent"
    assert "its programs are not unpacked yet" in of("private engine", found)["message"]
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_spec_that_is_broken_or_missing_ends_no_other_check(project: Project) -> None:
    project.write({"buildspec.yaml": SPEC.replace("base:", "bse:")})
    found = checks(project, fails=True)
    spec = of("buildspec", found)
    assert (spec["message"], spec["fix"]) == ("unknown key", "did you mean 'base'?")
    assert {each["check"] for each in found if each["verdict"] == "ok"} >= {"cache", "uv", "disk"}
    assert "buildspec.yaml:4:5: images.web.bse: unknown key" in project.nox("doctor").failure
    (project.root / "buildspec.yaml").unlink()
    spec = of("buildspec", checks(project, fails=True))
    assert spec["message"] == "buildspec.yaml: no such file"
    assert "nox -s init" in spec["fix"]


def test_locks_that_are_stale_are_a_warning_and_sources_that_are_missing_a_problem(
    project: Project,
) -> None:
    project.write({"requirements.in": "plain==1.1\nfast\n"})
    stale = of("locks", checks(project))
    assert (stale["verdict"], stale["fix"]) == ("warning", "run `nox -s lock` and commit it")
    project.write({"buildspec.yaml": SPEC + "    requirements: gone\n"
                   "requirements: {gone: {source: gone.txt}}\n"})  # fmt: skip
    missing = of("locks", checks(project, fails=True))
    assert "gone.txt: no such file" in missing["message"]


def test_daemons_that_are_named_and_do_not_answer(
    project: Project, docker: Path, tmp_path: Path
) -> None:
    dead = of("engine", checks(project, fails=True, env={"DOCKER_HOST": f"unix://{tmp_path}/dead"}))
    assert dead["message"].startswith(f"DOCKER_HOST=unix://{tmp_path}/dead: ")
    assert "docker buildx create --driver docker-container --use" in dead["fix"]
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        began = time.monotonic()
        found = checks(project, fails=True, env={"DOCKER_HOST": f"unix://{tmp_path}/s"})
        assert time.monotonic() - began < 45
    assert "took longer than 8 s" in of("engine", found)["message"]


def test_a_builder_that_is_named_and_not_there(project: Project, docker: Path) -> None:
    found = of(
        "engine", checks(project, "--builder", "nosuch", fails=True, env={"DOCKER_HOST": ""})
    )
    assert found["message"].startswith("builder nosuch: no builder")
    assert "docker buildx ls" in found["fix"]


def test_nodes_of_a_described_builder(
    project: Project, docker: Path, private_engine: PrivateEngine, own_home: Path
) -> None:
    second = private.start()
    with serve_buildkit(private_engine.host) as one, serve_buildkit(second.host) as two:
        described = (
            "builder:\n  name: pair\n  driver: remote\n  nodes:\n"
            f"    - {{endpoint: '{one.address}', platforms: [linux/amd64]}}\n"
            f"    - {{endpoint: '{two.address}', platforms: [linux/arm64]}}\n"
        )
        project.write({"buildspec.yaml": SPEC + described})
        env = {"DOCKER_HOST": ""}
        found = checks(project, env=env)
        assert of("engine", found)["message"] == "builder pair: the first build creates it"
        nodes = [each["message"] for each in found if each["check"] == "node"]
        assert nodes[0] == f"pair0 at {one.address}: takes connections"
        assert not list(docker.glob("buildx/instances/*"))
        project.ok("plan", **env)
        found = checks(project, env=env)
        nodes = [each["facts"] for each in found if each["check"] == "node"]
        assert [node["endpoint"] for node in nodes] == [one.address, two.address]
        platforms = [each["message"] for each in found if each["check"] == "platform"]
        assert platforms[0] == "linux/amd64: a processor of node pair0"
        two.end()
        found = checks(project, fails=True, env=env)
        (gone,) = (each for each in found if each["check"] == "node" and each["fix"])
        assert gone["message"].startswith(f"pair1 at {two.address}: ")
        project.write({"buildspec.yaml": SPEC + described.replace(two.address, "tcp://x:1")})
        differs = of("engine", checks(project, fails=True, env=env))
        assert "it is another builder than the spec describes" in differs["message"]


def test_a_cache_folder_that_others_can_change_or_that_is_none(
    project: Project, own_home: Path
) -> None:
    env = {"NOX_BUILDKIT_CACHE": str(own_home), "DOCKER_HOST": ""}
    assert of("cache", checks(project, env=env))["facts"]["size"] > 0
    quoted = shlex.quote(str(own_home))
    own_home.chmod(0o755)
    found = of("cache", checks(project, env=env))
    assert (found["verdict"], found["fix"]) == (
        "warning",
        f"run `chmod 700 {quoted}`",
    )
    own_home.chmod(0o777)
    assert of("cache", checks(project, fails=True, env=env))["verdict"] == "problem"
    own_home.chmod(0o700)
    os.chown(own_home, 65534, 65534)
    assert "belongs to user 65534" in of("cache", checks(project, fails=True, env=env))["message"]
    os.chown(own_home, 0, 0)
    file = project.root / "file"
    file.write_text("")
    found = of(
        "cache",
        checks(project, fails=True, env={"NOX_BUILDKIT_CACHE": str(file), "DOCKER_HOST": ""}),
    )
    assert found["message"] == f"{file} is not a folder"


def test_a_disk_without_room(project: Project, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", disk], check=True)
    try:
        found = checks(
            project, fails=True, env={"NOX_BUILDKIT_CACHE": str(disk), "DOCKER_HOST": ""}
        )
        full = next(each for each in found if each["check"] == "disk" and each["fix"])
        assert full["message"] == f"1.05 MB free for {disk}: too little for a build"
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        found = checks(
            project, fails=True, env={"NOX_BUILDKIT_CACHE": str(disk), "DOCKER_HOST": ""}
        )
        assert of("cache", found)["message"] == f"{disk} cannot be written"
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_registry_that_is_down(project: Project) -> None:
    down = f"127.0.0.1:{free_port()}"
    project.write({"buildspec.yaml": SPEC + f"registry: {down}/web\n"})
    found = of("registry", checks(project, fails=True))
    assert f"the registry {down} cannot be reached" in found["message"]


def test_package_indexes(project: Project, index: PackageIndex) -> None:
    answers = of("package index", checks(project))
    assert answers["facts"]["indexes"] == [index.url]
    down = f"http://127.0.0.1:{free_port()}/simple/"
    found = of("package index", checks(project, fails=True, env={"UV_DEFAULT_INDEX": down}))
    assert "onnection refused" in found["message"]
    assert "UV_DEFAULT_INDEX" in found["fix"]
    with serve(PackageIndex(login=("me", "hunter2"))) as closed:
        refused = project.nox(
            "doctor", UV_DEFAULT_INDEX=closed.url_with_login.replace("hunter2", "wrong-secret")
        )
        assert "401 Unauthorized" in refused.failure
        assert "wrong-secret" not in refused.stdout + refused.stderr
        opened = project.ok("doctor", UV_DEFAULT_INDEX=closed.url_with_login)
        assert "hunter2" not in opened.stdout + opened.stderr


def test_an_index_without_uv_is_a_warning_where_uv_is_not_here_yet(
    project: Project, index: PackageIndex, tmp_path: Path
) -> None:
    env = {"NOX_BUILDKIT_CACHE": str(tmp_path / "cache"), "DOCKER_HOST": ""}
    found = of("package index", checks(project, env=env))
    assert found["verdict"] == "warning"
    assert "has no uv" in found["message"]


def test_an_index_of_the_spec_is_asked_too(project: Project) -> None:
    down = f"http://127.0.0.1:{free_port()}/simple/"
    project.write(
        {
            "buildspec.yaml": SPEC + "    requirements: web\nrequirements:\n  web:\n"
            f"    source: requirements.in\n    extra-indexes: {{mine: '{down}'}}\n"
        }
    )
    found = of("package index", checks(project, fails=True))
    assert down.removesuffix("/") in found["message"]


def test_certificates_and_proxies_that_are_wrong(project: Project) -> None:
    dead = f"http://me:hunter2@127.0.0.1:{free_port()}"
    env = {"SSL_CERT_FILE": "/gone/ca.pem", "HTTPS_PROXY": dead}
    found = checks(project, fails=True, env=env)
    assert of("certificates", found)["message"] == "SSL_CERT_FILE: /gone/ca.pem is not a file"
    assert "HTTPS_PROXY: http://127.0.0.1:" in of("proxy", found)["message"]
    done = project.nox("doctor", **env)
    assert "hunter2" not in done.stdout + done.stderr


def test_a_machine_without_git_is_warned_of(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("du", "apt-get", "dpkg"):
        program = shutil.which(name)
        assert program
        (folder / name).symlink_to(program)
    found = of("git", checks(project, env={"PATH": str(folder)}))
    assert (found["verdict"], found["fix"]) == ("warning", "run `apt-get install git`")


def test_a_broken_private_engine_is_a_warning(project: Project, own_home: Path) -> None:
    private.start()
    dockerd = private.status().pid
    os.kill(dockerd, 9)
    env = {"NOX_BUILDKIT_CACHE": str(own_home), "DOCKER_HOST": ""}
    deadline = time.monotonic() + 10
    while private.status().state != "broken":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    found = of("private engine", checks(project, env=env))
    assert (found["verdict"], found["fix"]) == ("warning", "run `nox -s engine -- start`")


def test_colour_only_where_it_is_asked_for(project: Project) -> None:
    assert "\x1b[" in project.ok("doctor", FORCE_COLOR="1").stdout
    assert "\x1b[" not in project.ok("doctor", NO_COLOR="1").stdout
