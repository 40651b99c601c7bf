"""Layers as tar archives, whatever they are compressed with.

Source: OCI image specification 1.1, layer.md (gzip and zstd).
"""

from __future__ import annotations

import gzip
import posixpath
import sys
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: How a frame of zstd begins (RFC 8878, 3.1.1).
_ZSTD = b"\x28\xb5\x2f\xfd"


def path_of(member: tarfile.TarInfo) -> str:
    """Return the absolute path of a member, whether its name begins with ``./``, ``/`` or none."""
    # To normpath(), two slashes at the start are a place of their own (POSIX).
    return posixpath.normpath("/" + member.name.lstrip("/"))


@contextmanager
def open_layer(layer: Path) -> Iterator[tarfile.TarFile]:
    """Open a layer, to be read from its start to its end. Raises OSError, tarfile.TarError."""
    with layer.open("rb") as file:
        opened = _open_zstd if file.read(len(_ZSTD)) == _ZSTD else tarfile.open
    try:
        with opened(layer) as tar:
            yield tar
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _unreadable(layer, error) from error


@contextmanager
def _open_zstd(layer: Path) -> Iterator[tarfile.TarFile]:
    # Few layers are, and it takes 30 ms to import.
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415
    else:
        from backports import zstd  # noqa: PLC0415

    try:
        with zstd.open(layer) as stream, tarfile.TarFile(fileobj=stream) as tar:
            yield tar
    except zstd.ZstdError as error:
        raise _unreadable(layer, error) from error


def _unreadable(layer: Path, error: Exception) -> tarfile.ReadError:
    return tarfile.ReadError(f"{layer.name} cannot be decompressed: {error}")
