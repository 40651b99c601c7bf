"""Programs that are waited for, really run: limits, and what they leave behind."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from nox_buildkit.errors import EngineError
from nox_buildkit.run import Programs


def test_a_program_that_never_ends_is_ended_with_its_children(tmp_path: Path) -> None:
    # The first one is gone, and what it started holds its output open.
    command = ["sh", "-c", 'sleep 1000 & echo $! > "$1"', "sh", str(tmp_path / "pid")]
    with Programs(tmp_path, 1) as programs, pytest.raises(EngineError, match="it took longer than"):
        programs.run(command, what="it", env=os.environ)
    _gone(int((tmp_path / "pid").read_text()))


def test_no_program_outlives_the_block(tmp_path: Path) -> None:
    ended: list[int] = []

    def run() -> None:
        done = programs.run(["sleep", "1000"], what="it", env=os.environ)
        ended.append(done.returncode)

    with pytest.raises(KeyboardInterrupt), Programs(tmp_path, 1000) as programs:
        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(0.2)
        raise KeyboardInterrupt
    thread.join(5)
    assert ended == [-9]
    with pytest.raises(EngineError, match="it was interrupted"):
        programs.run(["true"], what="it", env=os.environ)


def test_what_a_program_says_is_captured(tmp_path: Path) -> None:
    with Programs(tmp_path, 10) as programs:
        done = programs.run(
            ["sh", "-c", "sleep 0.7; cat; echo no >&2; exit 3"],
            what="it",
            env=os.environ,
            text="yes\n" * 100_000,
        )
    assert (done.returncode, done.stdout, done.stderr) == (3, "yes\n" * 100_000, "no\n")


def _gone(pid: int) -> None:
    deadline = time.monotonic() + 5
    while subprocess.run(["ps", "-p", str(pid)], capture_output=True, check=False).returncode == 0:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z":
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)
