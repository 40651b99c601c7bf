"""The archive that base ``debian`` is assembled from: that of the host, for another suite."""

from __future__ import annotations

import os
import shutil

from nox_buildkit.bases.mmdebstrap import PackageSource
from nox_buildkit.debian.archive import (
    Archive,
    host_archive,
    host_security,
    require_debian,
)
from nox_buildkit.debian.provision import tool
from nox_buildkit.debian.suite import Suite
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.progress import Progress


def debian_source(suite: str, report: Progress) -> PackageSource:
    """Return the archive of ``suite`` as mmdebstrap takes it. Raises EngineError."""
    require_debian("base 'debian'", "set 'base' to 'slim'")
    # mmdebstrap makes itself root in a user namespace, which takes newuidmap(1).
    if os.geteuid() != 0 and shutil.which("newuidmap") is None:
        raise EngineError(
            Code.BASE_ASSEMBLY(
                "base 'debian' is assembled as root, or by a user who has newuidmap",
                "run nox as root (`sudo -E nox -s build`) or `apt-get install uidmap`, or set "
                "'base' to 'slim'",
            )
        )
    archive, security = host_archive(), host_security()
    lines = [_line(archive, suite)]
    if security:
        lines.append(_line(security, f"{suite}-security"))
    else:
        report.message(
            f"base 'debian' has no security updates: this host's apt has no source for them; add "
            f"Debian's '{suite}-security' to /etc/apt/sources.list.d"
        )
    return PackageSource(tuple(lines), tool("mmdebstrap", report))


def _line(archive: Archive, suite: str) -> str:
    """Return a line of sources.list(5) for another suite of the host's archive."""
    # A key that stands in the source itself does not fit on a line; apt's keyrings have it too.
    named = archive.signed_by and "\n" not in archive.signed_by
    options = f"[signed-by={archive.signed_by}] " if named else ""
    return f"deb {options}{archive.uri} {suite} main"


def package_names(suite: str) -> frozenset[str]:
    """Return all packages of ``suite``; none where its index cannot be downloaded."""
    try:
        index = Suite.of(host_archive(), suite)
        index.update()
        return index.names()
    except EngineError:
        return frozenset()
