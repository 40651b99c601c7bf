"""A file that tells how much of it was read, and so was sent."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

#: Hears how many bytes were sent.
Sent = Callable[[int], None]


def nobody(_: int) -> None:
    """Hear nothing."""


class CountedFile(io.BufferedReader):
    """The file ``path``; an upload that begins anew opens it anew."""

    def __init__(self, path: Path, sent: Sent) -> None:
        super().__init__(io.FileIO(path))
        self._sent = sent

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, and tell how far."""
        data = super().read(size)
        self._sent(self.tell())
        return data
