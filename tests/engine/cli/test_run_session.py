"""nox -s run: built, started, shown, and ended with Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import urllib.request
from pathlib import Path

import pytest

from tests.support.project import SPEC, Project
from tests.support.real_parts import free_port


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
