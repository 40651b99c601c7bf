"""Docker clients that show what a container writes, as long as it runs."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from nox_buildkit.engine.containers import Containers
from nox_buildkit.interruption import Terminated

#: Seconds that a container gets to end after Ctrl-C; docker's own number.
_PATIENCE = 10

#: The same, where the next one waits for its port.
_GRACE = 2

#: So often somebody may press Ctrl-C while a container ends.
_PRESSED = 5

#: The status of what SIGINT has ended.
_BY_CTRL_C = 128 + signal.SIGINT


@dataclass(slots=True)
class Replaceable:
    """A container that is seen, and that another one may replace.

    ``terminal``: it has this process's terminal, which also says how it is made; else no input.
    ``_made``: the names of all that may be there, with what can remove them; ``_shown``: the one
    that was started last; ``_client``: the docker client that shows it.
    """

    terminal: bool = False
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
        self._stop(_GRACE)
        self._shown = containers, name
        interactive = ("--interactive",) if self.terminal else ()
        self._client = subprocess.Popen(
            [*containers.engine.command, "start", "--attach", *interactive, name],
            env=containers.engine.docker.environment,
            stdin=None if self.terminal else subprocess.DEVNULL,
            # A session of its own, which has no terminal: Ctrl-C is ours to pass on.
            start_new_session=not self.terminal,
        )
        self._remove(but=name)

    def status(self) -> int | None:
        """Return the status that it ended with by itself; None if it runs, or there is none."""
        return self._client.poll() if self._client else None

    @property
    def runs(self) -> bool:
        """Tell whether there is one that has not ended."""
        return self._client is not None and self._client.poll() is None

    def wait(self) -> int | None:
        """Wait until it ends by itself; return its status, None if there is none."""
        return self._client.wait() if self._client else None

    def interrupt(self) -> None:
        """Pass Ctrl-C on to it, and give it time to end; who presses it again waits no longer.

        Raises EngineError.
        """
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            if self._client and self._shown and self.runs:
                containers, name = self._shown
                # Not by the client, which may go away when it gets a signal.
                containers.interrupt(name)
                self._client.wait(timeout=_PATIENCE)

    def end(self, seconds: int = _GRACE) -> None:
        """End it, if there is one, in ``seconds``; leave nothing of it. Raises EngineError.

        Who presses Ctrl-C meanwhile does not wait for the container any more, and who presses it
        once more does not keep it from its end.
        """
        for _ in range(_PRESSED):
            with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as stack:
                stack.callback(self._leave)
                stack.callback(self._remove)
                self._stop(seconds)
                return

    def _leave(self) -> None:
        if self._client:
            # It gives back the terminal that it has.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._client.wait(timeout=_GRACE)
            self._client.kill()
            self._client.wait()
            self._client = None

    def _stop(self, seconds: int) -> None:
        if self._client and self._shown and self.runs:
            containers, name = self._shown
            containers.stop(name, seconds)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._client.wait(timeout=_PATIENCE)

    def _remove(self, *, but: str = "") -> None:
        for containers, name in [each for each in self._made if each[1] != but]:
            containers.remove(name)
            self._made.remove((containers, name))


def attach(
    containers: Containers, options: Sequence[str], command: Sequence[str], *, terminal: bool
) -> int | None:
    """Start a container and show what it writes, to its end; nothing of it is left.

    ``terminal``: it has this process's terminal. Returns its status, or None if somebody
    interrupted it. Raises EngineError.
    """
    container = Replaceable(terminal=terminal)
    try:
        container.start(containers, options, command)
        status = container.wait()
    except Terminated:
        return None
    except KeyboardInterrupt:
        container.interrupt()
        return None
    finally:
        container.end(_PATIENCE)
    # There, Ctrl-C is a key that the container alone gets.
    return None if terminal and status == _BY_CTRL_C else status
