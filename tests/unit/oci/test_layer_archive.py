"""Layers that are compressed in either way, and some that are damaged."""

from __future__ import annotations

import gzip
import io
import os
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from nox_buildkit.oci.layer_archive import open_layer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: Random, so that it is as large when it is compressed.
FILES = {"first": os.urandom(100_000), "second": os.urandom(100_000)}
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    # As other programs write it: frames, one after the other.
    "frames": lambda data: zstd.compress(data[:4096]) + zstd.compress(data[4096:]),
    "none": bytes,
}


def archive() -> bytes:
    """A layer without compression."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def files(layer: Path) -> dict[str, bytes]:
    with open_layer(layer) as tar:
        streams = ((info.name, tar.extractfile(info)) for info in tar)
        return {name: stream.read() for name, stream in streams if stream}


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_its_files(tmp_path: Path, compression: str) -> None:
    layer = tmp_path / "layer"
    layer.write_bytes(COMPRESSIONS[compression](archive()))
    assert files(layer) == FILES


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_one_that_is_cut_is_an_error(tmp_path: Path, compression: str) -> None:
    layer = tmp_path / "layer"
    layer.write_bytes(COMPRESSIONS[compression](archive())[:150_000])
    with pytest.raises(tarfile.TarError):
        files(layer)


@pytest.mark.parametrize("compression", ["gzip", "zstd", "frames"])
def test_one_that_is_damaged_is_an_error(tmp_path: Path, compression: str) -> None:
    content = bytearray(COMPRESSIONS[compression](archive()))
    content[20] ^= 0xFF
    layer = tmp_path / "layer"
    layer.write_bytes(content)
    with pytest.raises((tarfile.TarError, OSError)):
        files(layer)


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    layer.touch()
    with pytest.raises(tarfile.TarError):
        files(layer)
