"""Programs that are waited for: with a limit, and ended with all that they started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from nox_buildkit.errors import EngineError, Problem

#: Less free space than this, for so long: programs wait for each other instead of giving up.
_FULL_BYTES, _FULL_SECONDS = 1_000_000, 15


@dataclass(slots=True)
class Programs:
    """Programs that several threads wait for; none of them outlives the ``with`` block.

    Each has a process group of its own, so that a terminal's Ctrl-C reaches it through us alone.
    ``folder``: where they write; ``seconds``: how long each may take.
    """

    folder: Path
    seconds: float
    _running: set[subprocess.Popen[str]] = field(default_factory=set)
    _over: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Programs:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with self._lock:
            self._over = True
            for process in self._running:
                _kill(process)

    def run(
        self, command: Sequence[str], *, what: str, env: Mapping[str, str], text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run ``command`` with ``text`` on its standard input; its output is captured.

        Raises EngineError naming ``what`` if it takes too long, or if there is no room to go on.
        """
        with self._lock, tempfile.TemporaryFile() as given:
            if self._over:
                raise EngineError(f"{what} was interrupted")
            # Not a pipe: communicate() forgets to write on when it is called again.
            given.write(text.encode())
            given.seek(0)
            process = subprocess.Popen(
                command,
                env=env,
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
        try:
            stdout, stderr = self._wait(process, what)
        finally:
            _kill(process)
            process.communicate()
            with self._lock:
                self._running.discard(process)
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def _wait(self, process: subprocess.Popen[str], what: str) -> tuple[str, str]:
        began = roomy = time.monotonic()
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=0.5)
            now = time.monotonic()
            if now > began + self.seconds:
                minutes = f"{self.seconds / 60:.0f} minutes"
                hint = "check the network and the load of this machine, and try again"
                raise EngineError(Problem(f"{what} took longer than {minutes}", hint))
            if _free_bytes(self.folder) > _FULL_BYTES:
                roomy = now
            if now > roomy + _FULL_SECONDS:
                raise EngineError(disk_full(what, self.folder.parent))


def disk_full(what: str, folder: Path) -> Problem:
    """That ``what`` needs more room than there is in ``folder``."""
    return Problem(f"{what}: the disk of {folder} is full", "make room on it, and build again")


def _free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bfree * found.f_frsize


def _kill(process: subprocess.Popen[str]) -> None:
    """End the process and all that it started; its number is its own until it was waited for."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
