"""Run a command to its end and know how long it took; leave nothing running."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PATIENCE = ((signal.SIGINT, 15.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 2.0))


class BenchError(Exception):
    """Something could not be measured."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs commands in one environment; what they write goes to ``log``."""

    environment: Mapping[str, str]
    log: Path

    def run(self, command: Sequence[str], cwd: Path) -> float:
        """Seconds from start to end. Raises BenchError where the command fails.

        Whatever leaves early, KeyboardInterrupt above all, first ends the command and its children.
        """
        with self.log.open("ab") as log:
            log.write(f"\n$ {' '.join(command)}\n".encode())
            log.flush()
            start = log.tell()
            began = time.perf_counter()
            # A session of its own: Ctrl-C in the terminal reaches it through us alone, once.
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                status = process.wait()
                seconds = time.perf_counter() - began
            finally:
                end_group(process)
        if status:
            raise BenchError(self._failure(command, status, start))
        return seconds

    def output(self, command: Sequence[str], cwd: Path) -> str:
        """What a short command prints. Raises BenchError where it fails."""
        done = subprocess.run(
            command,
            cwd=cwd,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            last = " ".join(done.stderr.split())[-500:]
            raise BenchError(f"`{_short(command)}` failed: {last}")
        return done.stdout

    def _failure(self, command: Sequence[str], status: int, start: int) -> str:
        text = self.log.read_bytes()[start:].decode(errors="replace")
        lines = [line for line in text.splitlines() if line.strip()]
        last = " | ".join(lines[-15:])
        return f"`{_short(command)}` ended with status {status}: {last}"


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the process group: ask, ask again, kill."""
    for number, seconds in _PATIENCE:
        if not _alive(process):
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        deadline = time.monotonic() + seconds
        while _alive(process) and time.monotonic() < deadline:
            time.sleep(0.02)


def _alive(process: subprocess.Popen[bytes]) -> bool:
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def _short(command: Sequence[str]) -> str:
    text = " ".join(command)
    return text if len(text) < 200 else f"{text[:200]}…"
