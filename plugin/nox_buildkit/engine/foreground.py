"""Docker clients that show what a container writes, as long as it runs."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import FrameType

from nox_buildkit.engine.client import client_environment
from nox_buildkit.engine.containers import Containers

#: Seconds that a container gets to end after Ctrl-C; docker's own number.
_PATIENCE = 10

#: The same, where the next one waits for its port.
_GRACE = 2


@dataclass(slots=True)
class Replaceable:
    """A container that is seen, and replaced by another one; it gets no input.

    ``_made``: the names of all that may be there, with what can remove them; ``_shown``: the one
    that was started last; ``_client``: the docker client that shows it.
    """

    _made: list[tuple[Containers, str]] = field(default_factory=list)
    _shown: tuple[Containers, str] | None = None
    _client: subprocess.Popen[bytes] | None = None

    def start(self, containers: Containers, options: Sequence[str], command: Sequence[str]) -> None:
        """Start one in place of the one that runs, and show what it writes.

        Raises EngineError if it cannot be made; the one that runs goes on then.
        """
        name = containers.new_name()
        self._made.append((containers, name))
        # Created to the end whatever happens: what is not known to be there is not removed.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(containers.create, name, options, command).result()
        # Both would listen at the same port.
        self._stop()
        self._shown = containers, name
        # A session of its own: Ctrl-C is ours to pass on.
        self._client = subprocess.Popen(
            [*containers.engine.command, "start", "--attach", name],
            env=containers.engine.docker.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._remove(but=name)

    def status(self) -> int | None:
        """Return the status that it ended with by itself; None if it runs, or there is none."""
        return self._client.poll() if self._client else None

    @property
    def runs(self) -> bool:
        """Tell whether there is one that has not ended."""
        return self._client is not None and self._client.poll() is None

    def end(self) -> None:
        """End it, if there is one; leave nothing of it. Raises EngineError.

        Who interrupts it does not wait for the container any more.
        """
        try:
            self._stop()
        finally:
            self._remove()
            if self._client:
                self._client.kill()
                self._client.wait()
                self._client = None

    def _stop(self) -> None:
        if self._client and self._shown and self.runs:
            containers, name = self._shown
            containers.stop(name, _GRACE)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._client.wait(timeout=_PATIENCE)

    def _remove(self, *, but: str = "") -> None:
        for containers, name in [each for each in self._made if each[1] != but]:
            containers.remove(name)
            self._made.remove((containers, name))


def attach(command: Sequence[str]) -> int | None:
    """Run a docker client to its end; return its status, or None if somebody interrupted it.

    Ctrl-C reaches the client by itself, and it passes on to the container what it gets; SIGTERM has
    to be sent on to it.
    """
    process = subprocess.Popen(command, env=client_environment())
    ended = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal ended
        ended = True
        process.terminate()

    before = signal.signal(signal.SIGTERM, end)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        ended, status = True, _end(process)
    finally:
        signal.signal(signal.SIGTERM, before)
    return None if ended else status


def _end(process: subprocess.Popen[bytes]) -> int:
    """Wait until it has ended; whoever presses Ctrl-C again waits no longer."""
    try:
        return process.wait(timeout=_PATIENCE)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.terminate()
        return process.wait()
