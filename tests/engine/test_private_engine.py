"""The private engine through everything that happens to a daemon."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nox_buildkit.engine import inspect as inspection
from nox_buildkit.engine.private import engine as private
from nox_buildkit.engine.private import processes
from nox_buildkit.engine.private.engine import PrivateEngine
from nox_buildkit.engine.private.paths import SOCKET_PATH_BYTES, EnginePaths
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.files import locked
from nox_buildkit.mounts import mounts_below
from nox_buildkit.report.diagnostics import with_codes
from tests.support.codes import coded
from tests.support.executable import waits
from tests.support.progress import Told
from tests.support.real_parts import in_cache

START = "from nox_buildkit.engine.private import engine; engine.start(); print(engine.status().pid)"


def python(code: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_until(condition: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def about(folder: Path) -> list[processes.Process]:
    return [process for process in processes.processes() if process.mentions(folder)]


def test_two_processes_that_start_it_at_once_get_one_engine(own_home: Path) -> None:
    starters = [python(START) for _ in range(3)]
    pids = {starter.communicate(timeout=60)[0].strip() for starter in starters}
    assert [starter.returncode for starter in starters] == [0, 0, 0]
    assert pids == {str(private.status().pid)}
    assert len([p for p in about(own_home) if p.exe.endswith("/dockerd")]) == 1


def test_a_started_engine_is_there_at_once_for_the_next_run(own_home: Path) -> None:
    private.start()
    before = private.status()
    began = time.monotonic()
    private.start()
    assert time.monotonic() - began < 1
    assert private.status().pid == before.pid


def test_status_stop_and_remove(own_home: Path, engine_home: Path) -> None:
    assert private.status().state == "absent"
    assert not private.stop()
    started = private.start()
    running = private.status()
    assert running.state == "running"
    assert running.version == started.version
    assert running.pid > 0
    assert 0 <= running.uptime < 60
    assert running.data_bytes > 0
    assert running.folder == own_home / "engine"
    assert private.stop()
    stopped = private.status()
    assert (stopped.state, stopped.pid) == ("stopped", 0)
    kept = own_home / "projects/shop-0123"
    with locked(kept / ".lock"):
        (kept / "project").write_text("/srv/shop")
        with pytest.raises(EngineError, match="a build is running"), coded(Code.PRIVATE_ENGINE):
            private.remove()
    assert (own_home / "engine/data").exists()
    private.remove()
    assert private.status().state == "absent"
    assert not (own_home / "engine").exists()
    assert not mounts_below(own_home)
    assert not about(own_home)
    assert list((engine_home / "tools").glob("engine-*")), "programs of another folder went too"


def test_images_survive_a_stop(own_home: Path, tmp_path: Path) -> None:
    build_image(private.start(), tmp_path, "kept")
    private.stop()
    assert "kept:latest" in images(private.start())


def test_a_killed_engine_starts_again_and_its_containers_are_gone(
    own_home: Path, tmp_path: Path
) -> None:
    engine = private.start()
    build = start_endless_build(engine, tmp_path)
    data = EnginePaths.current().data
    wait_until(lambda: list(processes.contained_in(data)))
    container = next(processes.contained_in(data))
    killed = private.status().pid
    os.kill(killed, signal.SIGKILL)
    build.wait(30)
    assert processes.process_of(container), "the container was to be left over"
    again = private.start()
    assert private.status().pid != killed
    assert processes.process_of(container) is None
    build_image(again, tmp_path, "after")
    assert "after:latest" in images(again)


def test_an_engine_without_its_containerd_is_broken_and_starts_again(
    own_home: Path, tmp_path: Path
) -> None:
    engine = private.start()
    build_image(engine, tmp_path, "before")
    dockerd = private.status().pid
    (containerd,) = (p for p in about(own_home) if p.exe.endswith("/containerd"))
    os.kill(containerd.pid, signal.SIGKILL)
    wait_until(lambda: processes.process_of(containerd.pid) is None)
    assert processes.process_of(dockerd), "dockerd does not notice"
    wait_until(lambda: private.status().state == "broken")

    again = private.start()

    assert private.status().state == "running"
    build_image(again, tmp_path, "after")
    assert {"before:latest", "after:latest"} <= set(images(again).split())


def test_a_build_goes_on_where_the_engine_is_silent_for_a_while(
    own_home: Path, tmp_path: Path
) -> None:
    engine = private.start()
    build = start_endless_build(engine, tmp_path)
    wait_until(lambda: list(processes.contained_in(EnginePaths.current().data)))
    before = private.status().pid
    os.kill(before, signal.SIGSTOP)
    wakes = threading.Timer(6, os.kill, (before, signal.SIGCONT))
    wakes.start()
    told = Told()
    assert private.start(told).version == engine.version
    wakes.join()
    assert private.status().pid == before
    assert build.poll() is None
    assert told.messages == ["waiting for the private engine, which does not answer"]
    private.stop()
    build.wait(30)


def test_a_container_that_may_not_mount_is_told_before_anything_is_built(own_home: Path) -> None:
    limits = ("--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
    command = ("setpriv", *limits, sys.executable, "-m", "nox_buildkit", "engine", "start")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "may not do so in this container" in done.stderr
    assert "--privileged" in done.stderr
    assert private.status().state == "absent"


def test_a_cache_folder_may_have_any_character(own_home: Path) -> None:
    folder = own_home / "\N{ROCKET}"
    folder.mkdir()
    (folder / "tools").symlink_to(own_home / "tools")
    with in_cache(folder):
        assert private.start().version
        private.stop()


def test_tls_of_another_daemon_is_not_asked_of_the_engine(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", "certificates")
    engine = private.start()
    assert inspection.daemon(engine.docker).version == engine.version


def test_stop_ends_a_running_build(own_home: Path, tmp_path: Path) -> None:
    build = start_endless_build(private.start(), tmp_path)
    data = EnginePaths.current().data
    wait_until(lambda: list(processes.contained_in(data)))
    private.stop()
    assert build.wait(30) != 0
    assert not list(processes.contained_in(data))
    assert not mounts_below(own_home)


def test_a_stale_pidfile_never_costs_another_process_its_life(own_home: Path) -> None:
    private.start()
    private.stop()
    paths = EnginePaths.current()
    with subprocess.Popen(["sleep", "60"]) as foreign:
        paths.run.mkdir()
        paths.pidfile.write_text(str(foreign.pid))
        assert private.status().state == "stopped"
        assert not private.stop()
        paths.run.mkdir()
        paths.pidfile.write_text(str(foreign.pid))
        private.start()
        assert private.status().pid != foreign.pid
        assert foreign.poll() is None
        foreign.kill()


def test_a_stale_socket_is_replaced(own_home: Path) -> None:
    private.start()
    paths = EnginePaths.current()
    for process in about(own_home):
        os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not about(own_home))
    assert paths.socket.exists()
    private.start()
    assert private.status().state == "running"


def test_an_engine_that_cannot_read_its_data_says_so_in_a_line(own_home: Path) -> None:
    private.start()
    private.stop()
    broken = EnginePaths.current().data / "containerd/io.containerd.metadata.v1.bolt/meta.db"
    broken.write_bytes(bytes(65536))
    with pytest.raises(EngineError) as caught:
        private.start()
    message = str(caught.value)
    assert "\n" not in message
    assert "invalid database" in message
    assert str(EnginePaths.current().log) in message
    assert "remove" in message
    assert not about(own_home)
    assert not mounts_below(own_home)


def test_a_folder_in_the_way_is_named(own_home: Path) -> None:
    (own_home / "engine").mkdir()
    (own_home / "engine/data").write_text("")
    with pytest.raises(EngineError, match="engine/data"):
        private.start()


@pytest.fixture
def deep_home(request: pytest.FixtureRequest, engine_home: Path) -> Iterator[Path]:
    """A cache folder whose path has as many characters as the parameter says."""
    top = Path(tempfile.mkdtemp(prefix="nbk"))
    home = top / ("d" * (request.param - len(f"{top}/")))
    home.mkdir()
    (home / "tools").symlink_to(engine_home / "tools")
    with in_cache(home):
        yield home
        private.remove()
    shutil.rmtree(top)


# The shortest are those whose longest socket just fits, or just does not.
@pytest.mark.parametrize("deep_home", [59, 60, 63, 120], indirect=True)
def test_a_cache_folder_too_deep_for_a_socket(
    private_engine: PrivateEngine, deep_home: Path
) -> None:
    engine = private.start()
    assert engine.client.info().server_version == engine.version
    paths = EnginePaths.current()
    assert len(str(paths.socket)) <= SOCKET_PATH_BYTES
    assert paths.run.stat().st_mode & 0o777 == 0o700
    private.stop()
    assert not paths.run.exists()


def test_ctrl_c_ends_the_build_and_not_the_engine(own_home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", f"{START}; import sys, time; sys.stdout.flush(); time.sleep(60)"],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        os.killpg(starter.pid, signal.SIGINT)
    assert starter.returncode != 0
    assert private.status().pid == pid


def test_only_the_owner_gets_in(own_home: Path) -> None:
    engine = private.start()
    paths = EnginePaths.current()
    for folder in (paths.home, paths.run, engine.config, engine.binaries.prefix):
        assert folder.stat().st_mode & 0o777 == 0o700, folder


def test_the_daemon_gets_proxies_and_no_secrets(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_INDEX_PASSWORD", "hunter2")
    monkeypatch.setenv("no_proxy", "registry.internal")
    private.start()
    environment = Path(f"/proc/{private.status().pid}/environ").read_bytes()
    assert b"no_proxy=registry.internal" in environment
    assert b"hunter2" not in environment


def test_cache_mounts_are_kept_for_more_than_two_days(own_home: Path) -> None:
    engine = private.start()
    shown = run(engine, "buildx", "inspect", "default")
    assert "exec.cachemount" not in shown
    assert "20GiB" in shown


def test_registry_logins_are_used_and_never_copied(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    login = tmp_path / "config.json"
    login.write_text(json.dumps({"auths": {"registry.internal": {"auth": "dTpw"}}}))
    engine = private.start()
    assert (engine.config / "config.json").resolve() == login
    login.unlink()
    private.start()
    assert not (engine.config / "config.json").is_symlink()


def test_a_shell_with_its_environment_uses_the_engine(own_home: Path, tmp_path: Path) -> None:
    private.start()
    for _ in range(2):
        environment = {**os.environ, **private.environment()}
        shown = subprocess.check_output(
            ["docker", "buildx", "inspect"], env=environment, text=True, cwd=tmp_path
        )
        assert "running" in shown


def test_environment_inside_its_own_shell_stays_the_same(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private.start()
    outside = private.environment()
    for name, value in outside.items():
        monkeypatch.setenv(name, value)
    assert private.environment() == outside
    assert not (own_home / "engine/config/config.json").is_symlink()


def test_without_root_the_message_names_two_commands(own_home: Path) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            private.start()
        except EngineError as error:
            os.write(writer, with_codes(error).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader, encoding="utf-8") as pipe:  # noqa: PTH123 - a file descriptor
        message = pipe.read()
    assert "needs root" in message
    assert message.endswith("[NBK501]")
    assert "apt-get install docker.io" in message
    assert "sudo usermod -aG docker $USER" in message


def run(engine: PrivateEngine, *arguments: str) -> str:
    command = [*engine.docker.command, *arguments]
    return subprocess.check_output(command, text=True, stderr=subprocess.PIPE)


def images(engine: PrivateEngine) -> str:
    return run(engine, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")


def build_image(engine: PrivateEngine, folder: Path, tag: str) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    run(engine, "buildx", "build", "--builder", "default", "--tag", tag, "--load", str(folder))


def start_endless_build(engine: PrivateEngine, folder: Path) -> subprocess.Popen[bytes]:
    (folder / "waits").write_bytes(waits())
    (folder / "waits").chmod(0o755)
    (folder / "Dockerfile").write_text(
        'FROM scratch\nCOPY waits /\nRUN --network=host ["/waits"]\n'
    )
    command = [*engine.docker.command, "buildx", "build"]
    options = ["--builder", "default", "--allow", "network.host", "--no-cache", str(folder)]
    return subprocess.Popen(
        [*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
