"""Each way of failing, provoked for real: one line, a status, and nothing half-written."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nox_buildkit.engine.private import engine as private
from tests.support.faults import stall_compiling
from tests.support.oci import ImageIndex
from tests.support.package_index import NATIVE_TAGS, PackageIndex, new_version, serve
from tests.support.project import SPEC, Project
from tests.support.real_parts import free_port, in_cache
from tests.support.registries import Registry, serve_registry

Unseen = tuple[Project, PackageIndex]


@pytest.fixture(scope="module")
def images(engine_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with serve_registry(tmp_path_factory.mktemp("registry"), engine_home) as registry:
        yield registry


@pytest.fixture(autouse=True)
def no_retries(project: Project) -> None:
    """uv waits for seconds between its attempts."""
    project.env["UV_HTTP_RETRIES"] = "0"


def _nothing_written(project: Project) -> bool:
    dist = project.root / "dist"
    return not dist.exists() or not list(dist.iterdir())


# What the spec and the command line say.


def test_mistakes_in_the_spec_come_all_at_once_with_their_places(project: Project) -> None:
    project.write({"buildspec.yaml": SPEC.replace("base:", "bse:") + "    pyton: '3.13'\n"})
    lines = project.nox("build").failure.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("buildspec.yaml:4:5: images.web.bse: unknown key")
    assert "did you mean 'base'?" in lines[0]
    assert lines[1].startswith("buildspec.yaml:6:5: images.web.pyton: unknown key")
    assert "did you mean 'python'?" in lines[1]


def test_no_spec(project: Project) -> None:
    (project.root / "buildspec.yaml").unlink()
    assert "buildspec.yaml" in project.nox("build").cause


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["wed"], "buildspec.yaml has no image 'wed'; did you mean 'web'?"),
        (["--platform", "linux/arm65"], "no platform 'linux/arm65'; did you mean 'linux/arm64'?"),
        (["--platfrom", "linux/arm64"], "'nox -s build -- --help' shows what there is"),
        (["--set", "images.web.bse=debian"], "did you mean 'base'?"),
        (["--set", "images"], "'images' is not KEY=VALUE"),
        (["--builder", "nobody"], "nobody"),
        (["--set", "builder=nobody"], "builder nobody: "),
    ],
)
def test_mistakes_on_the_command_line(project: Project, arguments: list[str], cause: str) -> None:
    assert cause in project.nox("build", *arguments).cause
    assert _nothing_written(project)


def test_a_mistake_does_not_end_other_sessions(project: Project) -> None:
    """argparse would end the whole process."""
    done = subprocess.run(
        [sys.executable, "-m", "nox", "-s", "matrix", "build", "--", "--platfrom"],
        cwd=project.root, env=project.environment({}), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "matrix: aborted" in done.stderr
    assert "build: aborted" in done.stderr


def test_source_date_epoch_that_is_no_time(project: Project) -> None:
    cause = project.nox("build", SOURCE_DATE_EPOCH="yesterday").cause
    assert cause.codes == ["NBK104"]
    assert cause.startswith("SOURCE_DATE_EPOCH is 'yesterday'; set it to seconds since 1970")


def test_copy_of_what_is_not_there(project: Project) -> None:
    project.write({"buildspec.yaml": SPEC + "    copy: [app, static]\n"})
    cause = project.nox("build").cause
    assert cause.startswith("buildspec.yaml:6:5: images.web.copy: ") or "buildspec.yaml:6:" in cause
    assert "'static' is not in the context" in cause
    assert _nothing_written(project)


def test_a_context_that_bake_would_not_find(project: Project) -> None:
    name = "cafe\u0301"
    project.write({f"{name}/main.py": "", "buildspec.yaml": SPEC + f"    context: {name}\n"})

    assert project.nox("build", "--set", "images.web.requirements=none").cause == (
        "buildspec.yaml:6:14: images.web.context: bake does not find "
        f"'{project.root}/{name}': it has decomposed characters (Unicode NFD); rename the folder "
        "so that they are composed (NFC)"
    )


def test_what_cannot_start_is_said_after_the_build(project: Project) -> None:
    project.write(
        {
            "buildspec.yaml": """\
version: 1
images:
  web:
    base: debian
    platforms: [linux/amd64]
    requirements: none
    command: [python, -m, gone, --port, $PORT]
    prestart: [[uvicorn, "app:app"], [./run.sh], [python, -m, app]]
""",
            "run.sh": "#!/bin/sh\n",
            "app/broken.py": "def f(:\n",
        }
    )

    done = project.ok("build")

    warned = [x.removeprefix("warning: ") for x in done.stderr.splitlines() if "warning: " in x]
    assert [line.partition(";")[0] for line in warned] == [
        "buildspec.yaml:7:41: images.web.command.4: '$PORT' in 'command' stays as it is, since no "
        "shell reads it",
        "buildspec.yaml:7:27: images.web.command.2: no module 'gone' is in the image",
        "buildspec.yaml:8:17: images.web.prestart.0.0: 'uvicorn', which it starts, is not in the "
        "image: nothing on its PATH provides it",
        "buildspec.yaml:8:39: images.web.prestart.1.0: './run.sh', which it starts, is not "
        "executable",
        "web: app/broken.py:1: SyntaxError: invalid syntax",
    ]


def test_a_project_in_a_folder_whose_name_is_not_utf8(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    project.root.rename(folder)
    project.root = folder

    assert project.nox("plan").cause == (
        f"the path of the project, '{tmp_path}/caf\ufffd', is not UTF-8; rename the folder"
    )


def test_debug_shows_the_traceback(project: Project) -> None:
    done = project.nox("build", "wed", NOX_BUILDKIT_DEBUG="1")
    assert done.code != 0
    assert "Traceback (most recent call last)" in done.stderr
    assert "UsageError" in done.stderr


# Packages.


def test_no_wheel_for_a_platform(unseen: Unseen) -> None:
    project, index = unseen
    index.add("half", "3.1", NATIVE_TAGS["linux/amd64"])
    project.write({"requirements.in": "half==3.1\n"})
    cause = project.nox("build").cause
    assert "half 3.1 has no wheel for linux/arm64" in cause
    assert _nothing_written(project)
    project.ok("plan", "--platform", "linux/amd64")


def test_an_index_that_offers_other_files_than_were_locked(unseen: Unseen) -> None:
    """What it states of them fits, so only the lock can tell."""
    project, index = unseen
    (name,) = (name for name in index.files if name.startswith("plain"))
    index.add("plain", name.split("-")[1], text="# Not what it was.\n")
    # As on a machine that has not asked before: what an index offers is remembered.
    project.env["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    cause = project.nox("build").cause
    assert cause.startswith("buildspec.yaml:4:5: images.web: plain 1.")
    assert "what is offered is not what was locked" in cause
    assert _nothing_written(project)
    project.ok("lock", "--upgrade")
    project.ok("plan")


def test_a_file_that_is_not_the_one_that_was_locked(unseen: Unseen) -> None:
    project, index = unseen
    project.ok("plan")
    other = PackageIndex()
    (name,) = (name for name in index.files if name.startswith("plain"))
    other.add("plain", name.split("-")[1], text="# Not what it was.\n")
    index.files[name] = other.files[name]
    cause = project.nox("build").cause
    assert f"{name} of 127.0.0.1:" in cause
    assert "is not what was locked" in cause
    assert _nothing_written(project)


def test_an_index_that_refuses(unseen: Unseen) -> None:
    project, index = unseen
    project.ok("plan")
    index.login = ("me", "sesame")
    done = project.nox("build")
    assert "answers 401 to the request for plain-" in done.failure
    assert "log in as for locking" in done.failure
    assert _nothing_written(project)

    project.write({"requirements.in": "fast\n"})
    assert "401 Unauthorized" in project.nox("lock").cause


def test_an_index_that_is_gone(project: Project) -> None:
    version = new_version()
    with serve() as index:
        index.add("plain", version)
        project.env["UV_DEFAULT_INDEX"] = index.url
        project.write({"requirements.in": f"plain=={version}\n"})
        project.ok("plan")
    cause = project.nox("build").cause
    assert "cannot be downloaded from 127.0.0.1:" in cause
    assert "(connection refused); check the network" in cause
    assert _nothing_written(project)

    project.write({"requirements.in": "plain\n"})
    cause = project.nox("lock").cause
    assert "check the network, HTTPS_PROXY and UV_DEFAULT_INDEX" in cause


# Bases and registries.


def test_a_base_that_is_not_there(project: Project, images: Registry) -> None:
    base = f"{images.address}/nowhere:1"
    cause = project.nox("build", "--set", f"images.web.base={base}").cause
    assert f"there is no base {base}" in cause
    assert _nothing_written(project)


def test_a_base_in_a_registry_that_is_not_there(project: Project) -> None:
    address = f"127.0.0.1:{free_port()}"
    project.write({"buildspec.yaml": SPEC.replace("debian", f"{address}/python:3.13")})
    cause = project.nox("build").cause
    assert cause.startswith("buildspec.yaml:4:")
    assert f"the registry of the base {address}/python:3.13 cannot be reached" in cause


def test_a_base_without_the_platform(project: Project, images: Registry) -> None:
    repository = f"{images.address}/half"
    only = ("--platform", "linux/amd64", "--set", "images.web.requirements=none")
    project.ok("push", "--set", f"registry={repository}", *only)
    base = f"{repository}/web:latest"
    cause = project.nox("build", "--set", f"images.web.base={base}").cause
    assert f"base '{repository}/web" in cause
    assert "has no linux/arm64; it has linux/amd64" in cause
    # For what it has it is a base like any other.
    project.ok("build", "--set", f"images.web.base={base}", "--platform", "linux/amd64")
    built = ImageIndex.open(project.tar).platforms["linux/amd64"]
    _, index = images.manifest("half/web", "latest")
    _, manifest = images.manifest("half/web", index["manifests"][0]["digest"])
    assert built.layers[: len(manifest["layers"])] == [m["digest"] for m in manifest["layers"]]


# The machine.


def test_an_output_that_is_a_file(project: Project) -> None:
    project.write({"dist": "mine"})
    assert "dist" in project.nox("build").cause
    assert (project.root / "dist").read_text() == "mine"


@contextmanager
def _stalled(unseen: Unseen) -> Iterator[subprocess.Popen[str]]:
    """A build of which a step waits for as long as the block takes."""
    project, index = unseen
    stall_compiling(unseen)
    project.ok("plan")
    with project.start("build") as process:
        try:
            assert index.asked.wait(60), "the step asks for a package"
            yield process
        finally:
            process.kill()
            index.released.set()
    index.stalled = set()


def _buildx_of(project: Project) -> list[int]:
    """Numbers of the docker clients' processes that work on the project."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            where = (folder / "cwd").readlink()
        except OSError:
            continue
        if "buildx" in command and where.name.startswith(f"{project.root.name}-"):
            found.append(int(folder.name))
    return found


@pytest.mark.alone
def test_a_build_that_is_interrupted(unseen: Unseen) -> None:
    project, _ = unseen
    # A name of its own, by which its processes can be told from others'.
    project.root = project.root.rename(project.root.with_name(f"interrupted{new_version()}"))
    with _stalled(unseen) as process:
        assert _buildx_of(project)
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode != 0
    assert "Traceback" not in stderr
    assert _buildx_of(project) == []
    assert _nothing_written(project)

    project.ok("build")
    assert ImageIndex.open(project.tar).digest == project.digest()


@pytest.mark.alone
def test_a_build_that_nobody_here_cancels_is_run_again(unseen: Unseen) -> None:
    project, index = unseen
    project.root = project.root.rename(project.root.with_name(f"cancelled{new_version()}"))
    with _stalled(unseen) as process:
        told = _buildx_of(project)
        assert told
        for number in told:
            os.kill(number, signal.SIGINT)
        deadline = time.monotonic() + 20
        while set(told) & set(_buildx_of(project)) and time.monotonic() < deadline:
            time.sleep(0.1)
        index.released.set()
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stdout + stderr
    assert stderr.count("[NBK512]; building again") == 1
    assert ImageIndex.open(project.tar).digest == project.digest()


@pytest.mark.alone
def test_an_engine_that_goes_away(unseen: Unseen, own_home: Path, engine_home: Path) -> None:
    project, _ = unseen
    for name in ("bases", "uv", "pylock", "apt"):
        if (engine_home / name).exists():
            (own_home / name).symlink_to(engine_home / name)
    with in_cache(own_home):
        host = private.start().host
        daemon = private.status().pid
    project.env |= {"NOX_BUILDKIT_CACHE": str(own_home), "DOCKER_HOST": host}
    with _stalled(unseen) as process:
        os.kill(daemon, signal.SIGKILL)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in stderr
    assert "the build engine went away; see 'nox -s engine -- status'" in stderr
    assert _nothing_written(project)


# How it is shown.


@pytest.mark.parametrize("no_color", [False, True])
def test_colour_in_a_terminal(project: Project, no_color: bool) -> None:
    env = {"TERM": "xterm-256color", "COLUMNS": "120"}
    shown = _in_terminal(project, env | ({"NO_COLOR": "1"} if no_color else {}))
    assert "web" in shown
    coloured = re.findall(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7])m", shown)
    assert bool(coloured) != no_color


def _in_terminal(project: Project, env: dict[str, str]) -> str:
    """What a terminal gets to see of a build."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "nox", "-s", "build", "--", "--platform=linux/amd64"],
        cwd=project.root, env=project.environment(env), stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    os.close(slave)
    shown = b""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 1)[0]:
            continue
        try:
            shown += os.read(master, 65536)
        except OSError:  # The other end is closed.
            break
    os.close(master)
    assert process.wait(timeout=10) == 0, shown
    return shown.decode(errors="replace")
