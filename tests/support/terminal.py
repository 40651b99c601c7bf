"""A terminal: a program has a real pty, and what it writes there becomes a screen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyte
from pyte.modes import DECTCEM

#: A type of terminal that pyte is: it cuts lines when it gets narrower.
TERM = "linux"


@dataclass
class Terminal:
    """A program and the screen that it writes to; it has the terminal to itself."""

    process: subprocess.Popen[bytes]
    screen: pyte.Screen
    master: int
    stream: pyte.ByteStream = field(init=False)
    written: bytes = b""

    def __post_init__(self) -> None:
        self.stream = pyte.ByteStream(self.screen)

    @property
    def lines(self) -> list[str]:
        """The lines of the screen, without what is empty at the end."""
        text = "\n".join(line.rstrip() for line in self.screen.display)
        return text.rstrip("\n").split("\n")

    @property
    def text(self) -> str:
        """The same, as one string."""
        return "\n".join(self.lines)

    def has_cursor(self) -> bool:
        """Tell whether the cursor is to be seen."""
        return DECTCEM in self.screen.mode and not self.screen.cursor.hidden

    def resize(self, columns: int, lines: int) -> None:
        """Change the size, as a window manager does: the program gets SIGWINCH.

        The number of lines had better be the same: pyte takes lines away at the top.
        """
        self.screen.resize(lines, columns)
        _set_size(self.master, columns, lines)

    def press(self, keys: bytes) -> None:
        """Type ``keys``."""
        os.write(self.master, keys)

    def until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Read until ``condition`` holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.text
            assert self._read(), self.text

    def end(self, seconds: float = 60) -> int:
        """Read to the end; return the exit status."""
        deadline = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < deadline, self.text
        return self.process.wait(timeout=10)

    def _read(self) -> bool:
        """Read what there is; False at the end of the program."""
        ready, _, _ = select.select([self.master], [], [], 0.05)
        if not ready:
            return self.process.poll() is None
        try:
            # Little at a time: on a slow machine, a whole build may be waiting to be read.
            data = os.read(self.master, 1024)
        except OSError:
            # Linux: nobody has the other end any more.
            return False
        self.written += data
        self.stream.feed(data)
        return True


@contextlib.contextmanager
def terminal(
    command: Sequence[str], columns: int, lines: int, *, cwd: Path, env: Mapping[str, str]
) -> Iterator[Terminal]:
    """Start ``command`` in a terminal of its own; it does not outlive the block."""
    master, slave = os.openpty()
    _set_size(master, columns, lines)

    def take() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    # A terminal of its own is nothing that Popen has an argument for; nobody has threads here.
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(env),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        preexec_fn=take,  # noqa: PLW1509
    )
    os.close(slave)
    try:
        yield Terminal(process, pyte.Screen(columns, lines), master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def reflowed(screen: pyte.Screen, columns: int) -> pyte.Screen:
    """Return ``screen`` as most terminals have it after a change of width: lines wrap anew."""
    made = pyte.Screen(columns, screen.lines)
    above = [line.rstrip() for line in screen.display[: screen.cursor.y + 1]]
    pyte.Stream(made).feed("\r\n".join(above))
    return made


def _set_size(descriptor: int, columns: int, lines: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
