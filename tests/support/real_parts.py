"""What the fixtures and the tests of real parts share."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True, slots=True)
class Tools:
    """Programs that only the tests need."""

    skopeo: Path

    def inspect(self, reference: str) -> dict[str, Any]:
        """Return what skopeo says of the image ``reference``."""
        command = [str(self.skopeo), "inspect", "--tls-verify=false", reference]
        done = subprocess.run(command, check=True, capture_output=True)
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@contextlib.contextmanager
def in_cache(home: Path) -> Iterator[None]:
    """Work in the cache folder ``home``: a session's fixture may first be asked for anywhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOX_BUILDKIT_CACHE", str(home))
        yield


def copy_cache(home: Path, target: Path, *folders: str) -> None:
    """Copy ``folders`` of the cache ``home``, as far as they are there, to the cache ``target``.

    Not what another worker is just assembling there, with devices of its own.
    """
    unfinished = shutil.ignore_patterns(".assemble-*", "*.part-*")
    for name in folders:
        if (home / name).exists():
            shutil.copytree(home / name, target / name, symlinks=True, ignore=unfinished)


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """Wait until ``url`` answers."""
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - an address of our own
                return
        except OSError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.05)
    raise AssertionError(f"{process.args!r} ended with status {process.returncode}")


def wait_for_port(address: str, process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """Wait until ``address`` (``127.0.0.1:PORT``) takes connections."""
    host, _, port = address.partition(":")
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=2):
            return
        assert time.monotonic() < deadline, f"{address} takes no connection"
        time.sleep(0.05)
    raise AssertionError(f"{process.args!r} ended with status {process.returncode}")
