"""Standard output and standard error as a run needs them: no write ends it."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: Of these, a character that the encoding lacks is an error.
_STRICT = ("strict", "surrogateescape")


@contextlib.contextmanager
def lasting_streams() -> Iterator[None]:
    """Let the block write to both streams though nobody reads them any more, or they are closed.

    So its work goes on, and it ends as it would have. A character that the encoding of a stream
    lacks becomes an escape.
    """
    with (
        contextlib.redirect_stdout(_lasting(sys.stdout)),
        contextlib.redirect_stderr(_lasting(sys.stderr)),
    ):
        try:
            yield
        finally:
            for stream in (sys.stdout, sys.stderr):
                # Such as a full disk: nobody can be told any more.
                with contextlib.suppress(OSError):
                    stream.flush()


class _Descriptor(io.FileIO):
    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def _lasting(stream: TextIO | None) -> TextIO:
    if stream is None:
        # Somebody has closed it, as `>&-` does in a shell.
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123
    try:
        descriptor = stream.fileno()
    except io.UnsupportedOperation:
        return stream
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    # What was written before stands before.
    with contextlib.suppress(BrokenPipeError):
        stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(descriptor, "w", closefd=False)),
        encoding=stream.encoding,
        errors="backslashreplace" if stream.errors in _STRICT else stream.errors,
        line_buffering=stream.line_buffering or stream.write_through,
    )
