"""The programs of the private engine: dockerd, containerd, runc, the docker client and buildx."""

from __future__ import annotations

import ctypes.util
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.debian.provision import (
    HOST,
    SuitePackage,
    check_runs,
    provision,
    provisioned,
)
from nox_buildkit.progress import Progress

# The newest first. What its programs need of the host (glibc, above all) is found out by running
# them. runc comes from the host's own suite: testing's is the first to need a newer glibc.
SUITES = ("testing", "stable", HOST)
CLIENT = ("docker-cli", "docker-buildx")
DAEMON = ("docker.io", "containerd", *CLIENT)


@dataclass(frozen=True, slots=True)
class Binaries:
    """Programs below one unpacked prefix."""

    prefix: Path

    @property
    def docker(self) -> Path:
        return self.prefix / "usr/bin/docker"

    @property
    def buildx(self) -> Path:
        return self.prefix / "usr/libexec/docker/cli-plugins/docker-buildx"

    @property
    def dockerd(self) -> Path:
        return self.prefix / "usr/sbin/dockerd"

    @property
    def containerd(self) -> Path:
        return self.prefix / "usr/bin/containerd"

    @property
    def libraries(self) -> Path | None:
        """Folder for LD_LIBRARY_PATH, if a library was unpacked."""
        return next((lib.parent for lib in self.prefix.glob("usr/lib/*/libseccomp.so.2")), None)

    @property
    def search_path(self) -> str:
        """Folders for PATH, ours before the system's."""
        ours = f"{self.prefix}/usr/sbin:{self.prefix}/usr/bin"
        return f"{ours}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def engine_binaries(report: Progress) -> Binaries:
    """Return the engine's programs, unpacked if they are not there. Raises EngineError."""
    return Binaries(provision("engine", _engine_candidates(), _check_engine, report))


def _engine_candidates() -> list[list[SuitePackage]]:
    host = ["runc"] if ctypes.util.find_library("seccomp") else ["runc", "libseccomp2"]
    from_host = [SuitePackage(name) for name in host]
    return [[*(SuitePackage(name, suite) for name in DAEMON), *from_host] for suite in SUITES]


def client_binaries(report: Progress) -> Binaries:
    """Return a docker client with buildx, unpacked if it is not there. Raises EngineError.

    Those of the engine do as well, and most often are there.
    """
    if (present := present_client()) is not None:
        return present
    return Binaries(provision("client", _client_candidates(), _check_client, report))


def present_client() -> Binaries | None:
    """Return a docker client with buildx that was unpacked before."""
    found = provisioned("engine", _engine_candidates()) or provisioned(
        "client", _client_candidates()
    )
    return Binaries(found) if found else None


def _client_candidates() -> list[list[SuitePackage]]:
    return [[SuitePackage(name, suite) for name in CLIENT] for suite in SUITES]


def _check_client(prefix: Path) -> None:
    found = Binaries(prefix)
    check_runs(found.docker)
    check_runs(found.buildx, "version")


def _check_engine(prefix: Path) -> None:
    found = Binaries(prefix)
    _check_client(prefix)
    check_runs(found.dockerd)
    check_runs(found.containerd)
    check_runs(prefix / "usr/bin/containerd-shim-runc-v2", "-v")
    # In usr/sbin or usr/bin, by Debian release.
    runc = next(prefix.glob("usr/*bin/runc"), prefix / "usr/bin/runc")
    check_runs(runc, libraries=found.libraries)
