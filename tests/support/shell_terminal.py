"""A shell in a terminal of its own: keys go in, and what would be on the screen comes out."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Moves of the cursor, colours and the like (ECMA-48).
_CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()=>].?)")


@dataclass
class Terminal:
    """``screen``: everything that was written, without control sequences."""

    handle: int
    screen: str = ""

    def type(self, keys: str) -> None:
        """Press keys; ``\\t`` is the one that completes."""
        os.write(self.handle, keys.encode())

    def wait_for(self, pattern: str, seconds: float = 30) -> str:
        """Wait until the screen shows ``pattern``; return and forget what it shows."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.screen):
            assert time.monotonic() < deadline, self.screen
            if select.select([self.handle], [], [], 0.2)[0]:
                text = os.read(self.handle, 65536).decode(errors="replace")
                self.screen += _CONTROL.sub("", text)
        shown, self.screen = self.screen, ""
        return shown


@contextlib.contextmanager
def terminal(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> Iterator[Terminal]:
    """Run ``command`` in a terminal until the block ends."""
    pid, handle = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execvpe(command[0], [*command], dict(env))  # noqa: S606 - it is the shell
    try:
        yield Terminal(handle)
    finally:
        os.close(handle)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)
        os.waitpid(pid, 0)
