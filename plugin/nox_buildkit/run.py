"""One way to run a program and wait for it: with a limit, and ended with all that it started."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from nox_buildkit import observation
from nox_buildkit.errors import Code, EngineError, NoxBuildkitError, Problem
from nox_buildkit.printable import redacted, visible

_TICK = 0.5
#: Seconds of silence before somebody is told what is waited for.
_SILENT = 5
#: Less free space than this, for so long: programs wait for each other instead of giving up.
_FULL_BYTES, _FULL_SECONDS = 1_000_000, 15
#: What killpg raises for a group in which nobody lives; macOS refuses it while one is a zombie.
GONE = (ProcessLookupError, PermissionError)
_HINT = "check the network and the load of this machine, and try again"


@dataclass(frozen=True, slots=True)
class Done:
    """A program that ended by itself, and what it wrote."""

    returncode: int
    stdout: bytes
    stderr: bytes

    @property
    def output(self) -> str:
        """Its standard output as text."""
        return self.stdout.decode(errors="replace")

    @property
    def errors(self) -> str:
        """Its standard error as text."""
        return self.stderr.decode(errors="replace")

    @property
    def cause(self) -> str:
        """The last line that it wrote, or its exit status: why it failed."""
        lines = (self.errors.strip() or self.output.strip()).splitlines()
        return redacted(lines[-1]) if lines else f"status {self.returncode}"


def run(
    command: Sequence[str | Path],
    *,
    seconds: float,
    what: str = "",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    given: bytes = b"",
    asks: bool = False,
    announced: bool = False,
    raises: type[NoxBuildkitError] = EngineError,
    programs: Programs | None = None,
) -> Done:
    """Run ``command`` to its end; ``given``: its standard input.

    ``what``: what it does, for people; ``asks``: it may ask for a password on the terminal, which
    a process group of its own could not; ``announced``: tell what is waited for after a moment.

    Raises ``raises`` if it cannot be started or takes longer than ``seconds``.
    """
    what = what or Path(command[0]).name
    process = _started(list(map(str, command)), env, cwd, given, raises, group=not asks)
    programs = programs or of_threads.get()
    began = roomy = time.monotonic()
    with held(process, programs), _ended(process, group=not asks):
        while (left := began + seconds - time.monotonic()) > 0:
            with contextlib.suppress(subprocess.TimeoutExpired):
                stdout, stderr = process.communicate(timeout=min(_TICK, left))
                question = observation.Question(command, env, cwd, given, seconds)
                observation.answered(question, (process.returncode, stdout, stderr))
                return Done(process.returncode, stdout, stderr)
            if announced and seconds - left > _SILENT:
                # It was slow this once.
                observation.give_up()
                _say(f"waiting for {what}, for {_duration(seconds)} at most")
                announced = False
            if programs:
                roomy = programs.check_room(what, roomy)
        raise raises(Code.TIME_LIMIT(f"{what} took longer than {_duration(seconds)}", _HINT))


def _started(
    words: list[str],
    env: Mapping[str, str] | None,
    cwd: Path | None,
    given: bytes,
    raises: type[NoxBuildkitError],
    *,
    group: bool,
) -> subprocess.Popen[bytes]:
    if os.environ.get("NOX_BUILDKIT_DEBUG") == "1":
        _say(f"debug: {shlex.join(words)}")
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(tempfile.TemporaryFile()) if given else None
        if stream:
            # Not a pipe: communicate() forgets to write on when it is called again.
            stream.write(given)
            stream.seek(0)
        try:
            return subprocess.Popen(
                words,
                env=env,
                cwd=cwd,
                stdin=stream or subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=group,
            )
        except OSError as error:
            raise raises(Code.PROGRAM(f"{error.filename}: {error.strerror}")) from error


@dataclass(slots=True)
class Programs:
    """Programs that several threads wait for; none of them outlives the ``with`` block.

    ``folder``: where they write; ``seconds``: how long each may take; ``around``: of a block around
    this one, whose end ends these programs, too.
    """

    folder: Path
    seconds: float
    around: Programs | None = None
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set)
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
                _kill(process, group=True)

    def run(
        self, command: Sequence[str], *, what: str, env: Mapping[str, str], given: bytes = b""
    ) -> Done:
        """Run ``command``; see :func:`run`.

        Raises EngineError if it takes too long, or if there is no room to go on.
        """
        if self._over:
            raise EngineError(Code.INTERRUPTED(f"{what} was interrupted"))
        return run(command, seconds=self.seconds, what=what, env=env, given=given, programs=self)

    def add(self, process: subprocess.Popen[bytes]) -> None:
        """Let the end of the block end ``process``."""
        if self.around:
            self.around.add(process)
        with self._lock:
            self._running.add(process)
            if self._over:
                _kill(process, group=True)

    def discard(self, process: subprocess.Popen[bytes]) -> None:
        """Forget ``process``, which has ended."""
        if self.around:
            self.around.discard(process)
        with self._lock:
            self._running.discard(process)

    def check_room(self, what: str, roomy: float) -> float:
        """Return the time at which the disk had room last; ``roomy``: the same, as known before.

        Raises EngineError if that is a while ago.
        """
        now = time.monotonic()
        found = os.statvfs(self.folder)
        if found.f_bfree * found.f_frsize > _FULL_BYTES:
            return now
        if now > roomy + _FULL_SECONDS:
            raise EngineError(disk_full(what, self.folder.parent))
        return roomy


@contextlib.contextmanager
def held(process: subprocess.Popen[bytes], programs: Programs | None) -> Iterator[None]:
    """Let the end of the block of ``programs``, if there are any, end ``process``, too."""
    with contextlib.ExitStack() as stack:
        if programs:
            programs.add(process)
            stack.callback(programs.discard, process)
        yield


#: Those of the block that the threads of ``at_once`` work in.
of_threads: ContextVar[Programs | None] = ContextVar("programs", default=None)


def disk_full(what: str, folder: Path) -> Problem:
    """Return the problem that ``what`` needs more room than ``folder`` has."""
    return Code.DISK_FULL(
        f"{what}: the disk of {folder} is full", "make room on it, and build again"
    )


def _say(text: str) -> None:
    print(visible(redacted(text)), file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 600 else f"{seconds:.0f} s"


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes], *, group: bool) -> Iterator[None]:
    """Leave nothing of ``process`` running after the block."""
    try:
        yield
    finally:
        if process.returncode is None:
            _kill(process, group=group)
            # What it started may have left its group, and hold its output open.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=_SILENT)


def _kill(process: subprocess.Popen[bytes], *, group: bool) -> None:
    """End the process and all that it started; its number is its own until it was waited for."""
    if process.returncode is None:
        with contextlib.suppress(*GONE):
            if group:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
