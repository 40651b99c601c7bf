"""Which engine a build gets, on hosts that have one, the wrong one, or none."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nox_buildkit.debian.provision import SuitePackage, check_runs, provision
from nox_buildkit.doctor.engine_facts import gather_engine
from nox_buildkit.doctor.engines import choose, judge_builder, judge_engine
from nox_buildkit.engine import inspect as inspection
from nox_buildkit.engine import stated_builder
from nox_buildkit.engine.buildkit import Needs
from nox_buildkit.engine.buildx_plugin import _with_buildx, with_buildx
from nox_buildkit.engine.client import Docker
from nox_buildkit.engine.find import find_client, find_engine
from nox_buildkit.engine.own_builder import own_builder
from nox_buildkit.engine.planned_engine import planned_engine
from nox_buildkit.engine.private import engine as private
from nox_buildkit.engine.private.engine import PrivateEngine
from nox_buildkit.engine.stated_builder import StatedBuilder, StatedNode, ensure_builder
from nox_buildkit.engine.suitable import ENABLE_STORE, is_here
from nox_buildkit.errors import EngineError
from tests.support.dockerd import serve_dockerd
from tests.support.progress import Told
from tests.support.real_parts import in_cache

BOTH = Needs(platforms=frozenset({"linux/amd64", "linux/arm64"}))
ONE_LOADED = Needs(platforms=frozenset({"linux/amd64"}), load=True)


@pytest.fixture
def docker(private_engine: PrivateEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker client with buildx first on PATH; return its empty configuration folder."""
    folder = tmp_path / "docker"
    (folder / "cli-plugins").mkdir(parents=True)
    (folder / "cli-plugins/docker-buildx").symlink_to(private_engine.binaries.buildx)
    path = f"{private_engine.binaries.docker.parent}:{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


@pytest.fixture
def path_without_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH with what the engine needs of the system, and no docker."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("setsid", "mount", "umount", "du"):
        program = shutil.which(name)
        assert program, name
        (folder / name).symlink_to(program)
    monkeypatch.setenv("PATH", str(folder))


@pytest.fixture(scope="module")
def plain_dockerd(
    private_engine: PrivateEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """DOCKER_HOST of a dockerd without the containerd image store, as most hosts have it."""
    with serve_dockerd(private_engine.binaries, tmp_path_factory.mktemp("d"), store=False) as host:
        yield host


def test_a_host_without_docker_gets_the_private_engine_quietly(
    private_engine: PrivateEngine, path_without_docker: None
) -> None:
    told = Told()
    engine = find_engine(BOTH, report=told)
    assert engine.private
    assert (engine.builder, engine.driver, engine.network) == ("default", "docker", "host")
    assert len(engine.native) == 1
    assert engine.native[0] in engine.platforms
    assert engine.client.info().server_version == private_engine.version
    assert told.messages == []


def test_a_client_without_a_daemon_leads_to_the_private_engine(
    docker: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_context(docker, f"unix://{tmp_path}/nobody.sock")
    told = Told()
    assert find_engine(BOTH, report=told).private
    assert any("Cannot connect" in message for message in told.messages)


def test_a_buildx_that_is_too_old_is_passed_over_and_said_so(
    docker: Path, engine_home: Path
) -> None:
    # Debian 13's own, of which bake has no --allow.
    place = "usr/libexec/docker/cli-plugins/docker-buildx"
    old = provision(
        "old-buildx",
        [[SuitePackage("docker-buildx", "trixie")]],
        lambda prefix: check_runs(prefix / place, "version"),
    )
    plugin = docker / "cli-plugins/docker-buildx"
    plugin.unlink()
    plugin.symlink_to(old / place)
    told = Told()
    assert find_engine(BOTH, report=told).private
    assert any("no buildx whose bake knows --allow" in message for message in told.messages)


def test_a_capable_daemon_of_the_user_is_taken(docker: Path, own_home: Path) -> None:
    users = private.start()
    use_context(docker, users.host)
    # Seen from another cache folder it is any dockerd with the containerd image store.
    with in_cache(own_home / "elsewhere"):
        engine = find_engine(BOTH)
    assert not engine.private
    assert (engine.builder, engine.driver) == ("mine", "docker")
    assert engine.client.info().id == users.client.info().id


def test_the_context_without_the_containerd_store_is_explained_and_passed_over(
    docker: Path, plain_dockerd: str
) -> None:
    use_context(docker, plain_dockerd)
    told = Told()
    assert find_engine(BOTH, report=told).private
    assert any("containerd image store" in message for message in told.messages)


def test_a_named_daemon_without_the_containerd_store_is_refused_with_the_fix(
    docker: Path, plain_dockerd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", plain_dockerd)
    with pytest.raises(EngineError) as caught:
        find_engine(BOTH)
    message = str(caught.value)
    assert "\n" not in message
    assert f"DOCKER_HOST={plain_dockerd}" in message
    assert '"containerd-snapshotter": true' in message
    assert "docker buildx create --driver docker-container --use" in message


def test_a_daemon_without_the_containerd_store_writes_no_layout_of_one_platform_either(
    docker: Path, plain_dockerd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", plain_dockerd)
    with pytest.raises(EngineError, match=r"cannot make OCI layouts.*containerd-snapshotter"):
        find_engine(ONE_LOADED)


def test_a_named_builder_of_a_context_is_checked_too(
    docker: Path, plain_dockerd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_context(docker, plain_dockerd, current=False)
    with pytest.raises(EngineError, match=r"builder mine: .*containerd image store"):
        find_engine(BOTH, "mine")


def test_a_builder_that_is_not_there_is_an_error(
    docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EngineError, match=r"builder nosuch: no builder .*docker buildx create"):
        find_engine(BOTH, "nosuch")
    monkeypatch.setenv("BUILDX_BUILDER", "other")
    with pytest.raises(EngineError, match="builder other: "):
        find_engine(BOTH)


def test_a_dead_docker_host_is_an_error(
    docker: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/dead.sock")
    with pytest.raises(EngineError, match=r"DOCKER_HOST=.*Cannot connect.*unset the variable"):
        find_engine(BOTH)


def test_a_docker_host_that_never_answers_is_an_error_soon(
    docker: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/s")
        began = time.monotonic()
        with pytest.raises(EngineError, match="docker buildx inspect took longer than 8 s"):
            find_engine(BOTH)
        assert time.monotonic() - began < 30


def test_a_shell_of_the_private_engine_gets_the_private_engine(
    private_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in private.environment().items():
        monkeypatch.setenv(name, value)
    engine = find_engine(BOTH)
    assert (engine.private, engine.network) == (True, "host")
    assert find_engine(BOTH, "default").private


def test_a_docker_host_is_reached_without_a_docker_client(
    private_engine: PrivateEngine,
    plain_dockerd: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    find_client()
    request.getfixturevalue("path_without_docker")
    monkeypatch.setenv("DOCKER_HOST", plain_dockerd)
    with pytest.raises(EngineError, match="its dockerd cannot make OCI layouts"):
        find_engine(ONE_LOADED)


@pytest.mark.parametrize("named", [False, True])
def test_the_doctor_says_the_same_of_a_daemon_that_will_do(
    docker: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    users = private.start()
    if named:
        monkeypatch.setenv("DOCKER_HOST", users.host)
    else:
        use_context(docker, users.host)
    with in_cache(own_home / "elsewhere"):
        facts = gather_engine(None)
        engine = find_engine(BOTH)
    assert choose(facts).users
    assert facts.users.builder
    assert (facts.users.builder.name, facts.users.store) == (engine.builder, True)
    assert facts.users.here
    assert Path(facts.users.root) == own_home / "engine/data"
    assert {finding.verdict for finding in judge_builder(facts)} == {"ok"}


def test_the_doctor_says_the_same_of_a_daemon_without_the_containerd_store(
    docker: Path, plain_dockerd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_context(docker, plain_dockerd)
    passed_over = choose(gather_engine(None))
    assert not passed_over.users
    assert "its dockerd has no containerd image store" in passed_over.why
    monkeypatch.setenv("DOCKER_HOST", plain_dockerd)
    facts = gather_engine(None)
    engine, *_ = judge_engine(facts)
    assert (engine.verdict, engine.fix) == ("problem", ENABLE_STORE)
    assert [f.check for f in judge_builder(facts) if f.verdict == "problem"] == ["image store"]


def test_the_doctor_says_the_same_where_there_is_no_docker(
    private_engine: PrivateEngine, path_without_docker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = gather_engine(None)
    assert not choose(facts).users
    assert facts.private.state == "running"
    # It asks a daemon that is named with the client that was unpacked.
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    engine, *_ = judge_engine(gather_engine(None))
    assert engine.verdict == "problem"
    assert "Cannot connect" in engine.message


def test_a_builder_of_ours_on_the_context_default_is_the_same_the_next_time(
    docker: Path, plain_dockerd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", plain_dockerd)
    client = Docker("docker")
    for _ in range(2):
        ensure_builder(client, own_builder("default"))


def test_a_builder_whose_options_are_quoted_is_the_same_the_next_time(
    docker: Path, plain_dockerd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", plain_dockerd)
    node = StatedNode(plain_dockerd, options=(("env.WORDS", 'a "b" \\c'),))
    stated = StatedBuilder("quoted", "docker-container", (node,))
    for _ in range(2):
        ensure_builder(Docker("docker"), stated)
    with pytest.raises(EngineError, match="another builder"):
        changed = replace(stated, nodes=(replace(node, options=(("env.WORDS", "a"),)),))
        ensure_builder(Docker("docker"), changed)


def test_a_builder_that_is_made_in_part_is_removed(
    docker: Path, plain_dockerd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stated_builder, "BUILDER_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        stated = StatedBuilder("farm", "remote", (StatedNode(address),))
        with pytest.raises(EngineError, match=r"it cannot be created: .* took longer than 2 s"):
            ensure_builder(Docker("docker"), stated)
    with pytest.raises(EngineError, match="no builder"):
        inspection.look(Docker("docker"), "farm")


def test_a_builder_of_another_machine_is_not_here(
    docker: Path, plain_dockerd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", plain_dockerd)
    client = Docker("docker")
    node = inspection.Node("pi0", "running", ("linux/arm64",), (), "", plain_dockerd)
    here = inspection.Builder("pi", "docker-container", "", (node,))
    assert is_here(client, here)
    elsewhere = replace(node, name="pi1", endpoint="ssh://nobody@127.0.0.1:9")
    assert not is_here(client, replace(here, nodes=(elsewhere,)))
    assert not is_here(client, replace(here, nodes=(node, elsewhere)))


def test_a_plan_names_the_engine_that_a_build_uses(
    docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_client()
    use_context(docker, f"unix://{tmp_path}/nobody.sock")
    assert planned_engine(exactly=True).network == "host"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "/usr/bin:/bin")
        for refused in (find_engine, lambda _, name: planned_engine(name)):
            with pytest.raises(EngineError, match='builder nosuch: no builder "nosuch" found'):
                refused(BOTH, "nosuch")


def test_a_relative_configuration_folder_is_found_wherever_a_build_runs(
    private_engine: PrivateEngine, docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(docker.parent)
    monkeypatch.setenv("DOCKER_CONFIG", docker.name)
    with in_cache(tmp_path / "cache"):
        _with_buildx.cache_clear()
        client = with_buildx(str(private_engine.binaries.docker))
        assert client
        assert client.plugin == str(docker / "cli-plugins/docker-buildx")
        assert client.environment["DOCKER_CONFIG"] == str(docker)


def use_context(docker: Path, host: str, *, current: bool = True) -> None:
    """Make a docker context `mine` for ``host``, the current one unless told otherwise."""
    create = ["docker", "context", "create", "mine", "--docker", f"host={host}"]
    subprocess.run(create, check=True, capture_output=True)
    if current:
        subprocess.run(["docker", "context", "use", "mine"], check=True, capture_output=True)


def test_a_client_is_asked_once_for_its_buildx_as_long_as_its_files_are_the_same(
    private_engine: PrivateEngine, docker: Path, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    client = tmp_path / "docker-client"
    real = private_engine.binaries.docker
    client.write_text(f'#!/bin/sh\necho "$*" >> {asked}\nexec {real} "$@"\n')
    client.chmod(0o755)

    def found() -> str | None:
        # As another run of the program.
        _with_buildx.cache_clear()
        client_with_buildx = with_buildx(str(client))
        assert client_with_buildx
        return client_with_buildx.plugin

    with in_cache(tmp_path / "cache"):
        plugin = docker / "cli-plugins/docker-buildx"
        assert found() == str(plugin)
        questions = asked.read_text()
        assert found() == str(plugin)
        assert asked.read_text() == questions
        # Another plugin, and a record that was cut.
        shutil.copy(private_engine.binaries.buildx, tmp_path / "other")
        plugin.unlink()
        plugin.symlink_to(tmp_path / "other")
        assert found() == str(plugin)
        assert asked.read_text() == questions * 2
        for record in (tmp_path / "cache/client").glob("buildx-*.json"):
            record.write_bytes(record.read_bytes()[:-5])
        assert found() == str(plugin)
        assert asked.read_text() == questions * 3


def test_buildx_by_itself_reaches_the_engine_that_the_client_reaches(
    private_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The context of a shell is not that of the client.
    monkeypatch.setenv("DOCKER_CONTEXT", "nosuch")
    client = private_engine.docker
    assert client.words("buildx", "ls")[0] == str(private_engine.binaries.buildx)
    assert inspection.look(client, "default").nodes[0].running
    with pytest.raises(EngineError):
        inspection.look(Docker(client.docker, plugin=client.plugin), None)
