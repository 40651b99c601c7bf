"""Real registries on the loopback interface, open or with a password, and what they keep."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nox_buildkit.debian.provision import SuitePackage, check_runs, provision
from tests.support.real_parts import free_port, in_cache, wait_for_port

ACCEPT = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"
USER, PASSWORD = "builder", "sesame"
#: bcrypt of the password (htpasswd -B).
_HTPASSWD = f"{USER}:$2b$04$HegdEQDevYVyrm.Az6.MY.EOVvrmKlDjKUSpnlbDfE7wLjuFn/Nl2\n"


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry at ``address``; everything that it has lies below ``data``."""

    address: str
    data: Path

    def manifest(self, repository: str, reference: str) -> tuple[str, dict[str, Any]]:
        """A manifest with its digest."""
        request = urllib.request.Request(
            f"http://{self.address}/v2/{repository}/manifests/{reference}",
            headers={"Accept": ACCEPT},
        )
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - loopback
            content = response.read()
        return f"sha256:{hashlib.sha256(content).hexdigest()}", json.loads(content)

    def blob(self, repository: str, digest: str) -> bytes:
        url = f"http://{self.address}/v2/{repository}/blobs/{digest}"
        with urllib.request.urlopen(url, timeout=10) as response:
            content: bytes = response.read()
        return content

    def state(self) -> dict[str, tuple[int, int]]:
        """Every file with its time and number: whatever is written changes it."""
        return {
            str(path): (path.stat().st_mtime_ns, path.stat().st_ino)
            for path in self.data.rglob("*")
        }


@contextlib.contextmanager
def serve_registry(
    folder: Path, engine_home: Path, *, password: bool = False
) -> Iterator[Registry]:
    """Run Debian's docker-registry with its data in ``folder``."""
    with in_cache(engine_home):
        prefix = provision(
            "docker-registry",
            [[SuitePackage("docker-registry")]],
            lambda prefix: check_runs(prefix / "usr/bin/docker-registry"),
        )
    registry = Registry(f"127.0.0.1:{free_port()}", folder / "data")
    configuration: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(registry.data)}},
        "http": {"addr": registry.address},
    }
    if password:
        (folder / "htpasswd").write_text(_HTPASSWD)
        access = {"realm": "registry", "path": str(folder / "htpasswd")}
        configuration["auth"] = {"htpasswd": access}
    # JSON is YAML.
    (folder / "config.yml").write_text(json.dumps(configuration))
    program = prefix / "usr/bin/docker-registry"
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [str(program), "serve", str(folder / "config.yml")], stdout=log, stderr=log
        ) as process,
    ):
        try:
            wait_for_port(registry.address, process)
            yield registry
        finally:
            process.terminate()
