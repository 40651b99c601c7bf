"""Programs that are waited for, really run: limits, and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import nox_buildkit.run
from nox_buildkit.errors import Code, EngineError, LockError
from nox_buildkit.interruption import interruptible
from nox_buildkit.run import Programs, run
from tests.support.codes import coded


def test_a_program_that_never_ends_is_ended_with_its_children(tmp_path: Path) -> None:
    # The first one is gone, and what it started holds its output open.
    command = ["sh", "-c", 'sleep 1000 & echo $! > "$1"', "sh", str(tmp_path / "pid")]
    with (
        Programs(tmp_path, 1) as programs,
        pytest.raises(EngineError, match="it took longer than"),
        coded(Code.TIME_LIMIT),
    ):
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
    with pytest.raises(EngineError, match="it was interrupted"), coded(Code.INTERRUPTED):
        programs.run(["true"], what="it", env=os.environ)


def test_what_a_program_says_is_captured(tmp_path: Path) -> None:
    with Programs(tmp_path, 10) as programs:
        done = programs.run(
            ["sh", "-c", "sleep 0.7; cat; echo no >&2; exit 3"],
            what="it",
            env=os.environ,
            given=b"yes\n" * 100_000,
        )
    assert (done.returncode, done.output, done.errors) == (3, "yes\n" * 100_000, "no\n")


def test_a_disk_is_full_when_it_was_for_as_long_as_the_program_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Any disk is.
    monkeypatch.setattr(nox_buildkit.run, "_FULL_BYTES", 2**62)
    monkeypatch.setattr(nox_buildkit.run, "_FULL_SECONDS", 1)
    with Programs(tmp_path / "work", 60) as programs:
        (tmp_path / "work").mkdir()
        # What is done between programs takes its time, too.
        time.sleep(1.2)
        assert programs.run(["sleep", "0.7"], what="it", env=os.environ).returncode == 0
        with (
            pytest.raises(EngineError, match=f"it: the disk of {tmp_path} is full"),
            coded(Code.DISK_FULL),
        ):
            programs.run(["sleep", "1000"], what="it", env=os.environ)


def test_a_failed_program_says_why(tmp_path: Path) -> None:
    script = "echo first >&2; echo https://me:secret@host/ refused >&2; exit 1"
    assert run(["sh", "-c", script], seconds=10).cause == "https://***@host/ refused"
    assert run(["sh", "-c", "echo said; exit 2"], seconds=10).cause == "said"
    assert run(["sh", "-c", "exit 3"], seconds=10).cause == "status 3"
    with pytest.raises(LockError, match="No such file"), coded(Code.PROGRAM):
        run([tmp_path / "missing"], seconds=10, raises=LockError)


def test_a_program_that_takes_long_is_announced(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(EngineError, match="the registry took longer than 6 s"):
        run(["sleep", "1000"], seconds=6, what="the registry", announced=True)
    assert capsys.readouterr().err == "waiting for the registry, for 6 s at most\n"


def test_commands_are_shown_to_whoever_debugs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_DEBUG", "1")
    run(["echo", "a b", "https://me:secret@host/"], seconds=10)
    assert capsys.readouterr().err == "debug: echo 'a b' https://***@host/\n"


@pytest.mark.usefixtures("on_a_terminal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_an_interrupt_within_the_block_alone(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is signal.SIG_DFL


def test_the_end_of_a_terminal_is_ignored_under_nohup() -> None:
    program = """
import os, signal
from nox_buildkit.interruption import interruptible
with interruptible():
    os.kill(os.getpid(), signal.SIGHUP)
print("went on")
"""
    command = ["nohup", sys.executable, "-c", program]
    assert run(command, seconds=60).output == "went on\n"


def _gone(pid: int) -> None:
    deadline = time.monotonic() + 5
    while subprocess.run(["ps", "-p", str(pid)], capture_output=True, check=False).returncode == 0:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z":
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)
