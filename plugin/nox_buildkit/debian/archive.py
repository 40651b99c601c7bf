"""The host's Debian archive: its address and its key, as apt itself reads them."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.debian.apt import apt
from nox_buildkit.errors import Code, EngineError

OS_RELEASE = Path("/etc/os-release")
ARCHIVE_KEYRING = "debian-archive-keyring"
_SYSTEMS = {"darwin": "macOS", "linux": "another Linux"}
_DOCKER = {
    "darwin": "install Docker Desktop, OrbStack or Colima, and start it",
    "linux": (
        "run `sudo apt-get install docker.io docker-buildx` (or your distribution's equivalent), "
        "then `sudo usermod -aG docker $USER`, and log in again"
    ),
}


@dataclass(frozen=True, slots=True)
class Archive:
    """The host's Debian archive: ``suite`` is its codename, ``version`` its VERSION_ID.

    ``signed_by``: value of the source's Signed-By field, "" where apt's own keyrings decide.
    """

    uri: str
    signed_by: str
    suite: str
    version: str


def without_archive() -> str:
    """The next step of somebody whose system has no packages of Debian."""
    return _DOCKER.get(sys.platform, "install Docker, and start it")


def on_debian() -> bool:
    """Tell whether this host is a Debian, whose packages can be unpacked here."""
    return _os_release().get("ID") == "debian" and shutil.which("apt-get") is not None


def require_debian(what: str, next_step: str) -> None:
    """Raise EngineError, with the next step, where ``what`` cannot be had of Debian's packages."""
    if not on_debian():
        name = _os_release().get("PRETTY_NAME") or _SYSTEMS.get(sys.platform, "another system")
        raise EngineError(
            Code.DEBIAN_ARCHIVE(f"{what} needs a Debian host, and this is {name}", next_step)
        )


def host_archive() -> Archive:
    """Read which archive this host's apt installs from.

    Raises EngineError where the host is not Debian, or its apt has no Debian source.
    """
    require_debian("Debian's archive", "run this on one")
    release = _os_release()
    suite = release.get("VERSION_CODENAME", "testing")
    sources = sorted(_sources(suite), key=_foreignness)
    if not sources:
        raise EngineError(
            Code.DEBIAN_ARCHIVE(
                f"apt has no source for Debian {suite} main",
                "add it to /etc/apt/sources.list.d, then run `apt-get update`",
            )
        )
    uri, signed_by = sources[0]
    return Archive(uri, signed_by, suite, release.get("VERSION_ID", ""))


def host_security() -> Archive | None:
    """The archive of this host's security updates; None if its apt has none."""
    suite = f"{_os_release().get('VERSION_CODENAME', 'testing')}-security"
    sources = sorted(_sources(suite), key=_foreignness)
    return Archive(*sources[0], suite, "") if sources else None


def _os_release() -> dict[str, str]:
    if not OS_RELEASE.exists():
        return {}
    pairs = (line.partition("=") for line in OS_RELEASE.read_text(encoding="utf-8").splitlines())
    return {key: value.strip("\"'") for key, _, value in pairs}


def _sources(suite: str) -> Iterator[tuple[str, str]]:
    """Address and Signed-By of every source of ``suite`` main, as apt itself reads them."""
    fields = "$(CREATED_BY)|$(RELEASE)|$(COMPONENT)|$(REPO_URI)|$(SOURCESENTRY)"
    # The indexes say nothing about the sources, and take a second to read.
    listing = apt(
        *("indextargets", "--no-release-info", "--format", fields),
        *("--option", "Dir::State::Lists=/dev/null", "--option", "Dir::State::Status=/dev/null"),
    )
    for line in dict.fromkeys(listing.splitlines()):
        created_by, release, component, uri, entry = line.split("|")
        wanted = (created_by, release, component) == ("Packages", suite, "main")
        if wanted and not uri.startswith("cdrom:"):
            yield uri, _signed_by(Path(entry.rpartition(":")[0]), uri, suite)


def _foreignness(source: tuple[str, str]) -> tuple[bool, bool]:
    """Order Debian's own archive before third parties that use its suite names."""
    uri, signed_by = source
    return ARCHIVE_KEYRING not in signed_by, not uri.rstrip("/").endswith("/debian")


def _signed_by(file: Path, uri: str, suite: str) -> str:
    """Signed-By of a source (sources.list(5)): apt does not print it."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    text = "".join(line for line in lines if line[:1] != "#")
    if file.suffix != ".sources":
        entry = rf"^deb\s+\[([^]]*)\]\s+{re.escape(uri.rstrip('/'))}/?\s+{re.escape(suite)}\s"
        options = re.search(entry, text, re.MULTILINE)
        value = options and re.search(r"(?:^|\s)signed-by=(\S+)", options[1], re.IGNORECASE)
        return value[1] if value else ""
    for stanza in re.split(r"\n\s*\n", text):
        suites = re.search(r"^Suites:(.*)", stanza, re.M | re.I)
        if uri.rstrip("/") in stanza and suites and suite in suites[1].split():
            value = re.search(r"^Signed-By:[ \t]*(.*(?:\n[ \t].*)*)", stanza, re.M | re.I)
            return value[1].rstrip() if value else ""
    return ""
