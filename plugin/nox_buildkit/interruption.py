"""SIGTERM and the end of a terminal, which end a run as Ctrl-C does."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class Terminated(KeyboardInterrupt):
    """The run is to end, as by Ctrl-C; the programs that it has started were not told."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does: what was begun is taken back.

    SIGHUP stays ignored where it is (nohup(1)).
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Terminated

    heard = [signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        heard.append(signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
