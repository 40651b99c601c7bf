"""nox -s run: built, started, shown, and ended with Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.project import SPEC, Project
from tests.support.real_parts import free_port
from tests.support.terminal import TERM, terminal

#: As first process of a container it gets no SIGTERM: it has no handler.
DEAF = "import time; print('up', flush=True); time.sleep(600)"

#: Takes its time after Ctrl-C.
CAREFUL = """\
import time
try:
    print("up", flush=True)
    time.sleep(600)
finally:
    time.sleep(1)
    print("cleaned up", flush=True)
"""


def _named(project: Project) -> str:
    """Give the image a name that no other test has, and return it."""
    name = f"run-{free_port()}"
    project.write({"buildspec.yaml": SPEC.replace("web:", f"{name}:")})
    return name


def _containers(engine: PrivateEngine, image: str) -> list[str]:
    command = (*engine.docker.command, "ps", "--all", "--quiet", "--filter", f"ancestor={image}")
    return subprocess.check_output(command, text=True).split()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_image_runs_until_it_is_interrupted(project: Project, number: signal.Signals) -> None:
    port = free_port()
    # The application of the tests listens where its argument says.
    arguments = ("web", "--env", "GREETING=hello", "--", "python", "-m", "app", str(port))
    with project.start("run", *arguments) as process:
        try:
            deadline = time.monotonic() + 120
            while not _answers(port):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            if number == signal.SIGTERM:
                process.terminate()
            else:
                # As a terminal does it.
                os.killpg(process.pid, number)
            _, stderr = process.communicate(timeout=60)
        finally:
            # With the client of the container, which would go on without it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert "starting web:latest for linux/amd64; Ctrl-C ends it" in stderr
    # Whatever the application says of it.
    assert "\nstopped\n" in stderr
    assert process.returncode == 0
    assert not _answers(port)
    # What is in dist is of all platforms, and of `nox -s build`.
    assert not (project.root / "dist").exists()


def test_what_it_says_and_how_it_ends_are_those_of_the_container(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "env").write_text("FROM_FILE=yes\n")
    (tmp_path / "data").mkdir()
    program = (
        "import os, sys; print(os.environ['FROM_FILE'], os.environ['ONE'], os.listdir('/data'));"
        " sys.exit(3)"
    )
    done = project.nox(
        *("run", "web", "--env", "ONE=1", "--env-file", str(tmp_path / "env")),
        *("--volume", f"{tmp_path}/data:/data", "--", "python", "-c", program),
    )
    assert "yes 1 []" in done.stdout
    assert done.cause == "web ended with status 3"
    assert done.cause.codes == ["NBK511"]


def test_one_image_is_started(project: Project) -> None:
    project.write({"buildspec.yaml": f"{SPEC}  two: {{base: debian}}\n"})
    cause = project.nox("run").cause
    assert cause == "several images cannot be started at once; name one of them"


@pytest.mark.usefixtures("on_a_terminal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_nox_alone_ends_a_container_that_does_not_hear_of_it(
    project: Project, private_engine: PrivateEngine, number: signal.Signals
) -> None:
    image = _named(project)
    with project.start("run", "--", "python", "-c", DEAF) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "up\n"
            assert len(_containers(private_engine, image)) == 1
            process.send_signal(number)
            _, stderr = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "\nstopped\n" in stderr
    assert not _containers(private_engine, image)


def test_ctrl_c_reaches_the_program_once_and_it_may_clean_up(
    project: Project, private_engine: PrivateEngine
) -> None:
    image = _named(project)
    with project.start("run", "--", "python", "-c", CAREFUL) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "up\n"
            os.killpg(process.pid, signal.SIGINT)
            stdout, stderr = process.communicate(timeout=120)
        finally:
            process.kill()
    assert stdout == "cleaned up\n", stderr
    assert not _containers(private_engine, image)


def test_a_container_ends_with_whoever_reads_of_it(
    project: Project, private_engine: PrivateEngine
) -> None:
    image = _named(project)
    program = "import time\nwhile True: print('up', flush=True); time.sleep(0.1)"
    with project.start("run", "--", "python", "-c", program) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "up\n"
            process.stdout.close()
            process.wait(timeout=60)
        finally:
            process.kill()
    assert not _containers(private_engine, image)


@pytest.mark.parametrize("number", [None, signal.SIGTERM])
def test_ctrl_c_in_a_terminal_is_no_failure(
    project: Project, private_engine: PrivateEngine, number: signal.Signals | None
) -> None:
    image = _named(project)
    command = [sys.executable, "-m", "nox_buildkit", "run", "--", "python", "-c", DEAF]
    env = project.environment({"TERM": TERM})
    with terminal(command, 100, 40, cwd=project.root, env=env) as shown:
        shown.until(lambda: "up" in shown.lines, seconds=120)
        if number:
            shown.process.send_signal(number)
        else:
            shown.press(b"\x03")
        assert shown.end() == 0, shown.text
    assert shown.lines[-1] == "stopped"
    assert not _containers(private_engine, image)


def test_a_variable_that_is_named_alone_has_the_value_of_here(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "env").write_text("PIP_INDEX_URL\n")
    program = "import os; print(os.environ['UV_MINE'], os.environ['PIP_INDEX_URL'])"
    done = project.ok(
        *("run", "web", "--env", "UV_MINE", "--env-file", str(tmp_path / "env")),
        *("--", "python", "-c", program),
        UV_MINE="mine",
        PIP_INDEX_URL="http://index.example",
    )
    assert done.stdout == "mine http://index.example\n"


def test_a_port_that_cannot_be_published_is_told(project: Project) -> None:
    done = project.ok("run", "web", "--publish", "9000:8000", "--", "python", "-c", "")
    assert "warning: --publish 9000:8000 has no effect: this engine has no bridge" in done.stderr
    assert "warning" not in project.ok("run", "web", "--", "python", "-c", "").stderr


def test_what_the_engine_refuses_is_told(project: Project) -> None:
    cause = project.nox("run", "web", "--volume", "a:b:c:d").cause
    assert cause.startswith("web:latest does not start: ")
    assert "a:b:c:d" in cause
    assert cause.codes == ["NBK511"]
    assert "a.txt" in project.nox("run", "web", "--env-file", "a.txt").cause
    assert "nothing" in project.nox("run", "web", "--", "nothing").stderr
