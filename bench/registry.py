"""A real registry for the length of a measurement: how much it holds, and how much it sent."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.process import BenchError, end_group
from nox_buildkit.debian.provision import SuitePackage, check_runs, provision

#: A line of the access log (Apache's combined format) about what was sent.
_SENT = re.compile(r'"GET /v2/\S+ HTTP/[0-9.]+" 200 (\d+) ')


@dataclass(frozen=True, slots=True)
class Registry:
    """``address``: HOST:PORT."""

    address: str
    data: Path
    log: Path

    def sent(self) -> int:
        """Bytes of all blobs and manifests that were sent to anybody."""
        return sum(map(int, _SENT.findall(self.log.read_text(errors="replace"))))

    def stored(self) -> int:
        """Bytes of all blobs: manifests, configurations and layers, each counted once."""
        blobs = self.data / "docker" / "registry" / "v2" / "blobs"
        return sum(path.stat().st_size for path in blobs.rglob("data"))


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Registry]:
    """Debian's docker-registry, empty, on a free port of 127.0.0.1."""
    prefix = provision(
        "docker-registry",
        [[SuitePackage("docker-registry")]],
        lambda prefix: check_runs(prefix / "usr/bin/docker-registry"),
    )
    folder.mkdir(parents=True)
    registry = Registry(f"127.0.0.1:{free_port()}", folder / "data", folder / "log")
    configuration = folder / "config.yml"
    configuration.write_text(
        "version: 0.1\n"
        "log: {level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: '{registry.data}'}}}}\n"
        f"http: {{addr: '{registry.address}'}}\n"
    )
    command = [str(prefix / "usr/bin/docker-registry"), "serve", str(configuration)]
    with registry.log.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(registry.address, process)
            yield registry
        finally:
            end_group(process)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://{address}/v2/", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise BenchError("docker-registry does not answer")
