"""The host's Debian archive: its address and its key, as apt itself reads them."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nox_buildkit.debian.apt import apt
from nox_buildkit.errors import Code, EngineError

OS_RELEASE = Path("/etc/os-release")
ARCHIVE_KEYRING = "debian-archive-keyring"
_SYSTEMS = {"darwin": "macOS", "linux": "another Linux"}
#: Names of suites that are a codename's for a time.
_ALIASES = ("oldoldstable", "oldstable", "stable", "testing", "unstable", "sid")
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
    source = _source(suite, _ALIASES)
    if source is None:
        raise EngineError(
            Code.DEBIAN_ARCHIVE(
                f"apt has no source for Debian {suite} main",
                "add it to /etc/apt/sources.list.d, then run `apt-get update`",
            )
        )
    return Archive(source.uri, source.signed_by, suite, release.get("VERSION_ID", ""))


def host_security() -> Archive | None:
    """The archive of this host's security updates; None if its apt has none."""
    suite = f"{_os_release().get('VERSION_CODENAME', 'testing')}-security"
    source = _source(suite, [f"{alias}-security" for alias in _ALIASES])
    return Archive(source.uri, source.signed_by, suite, "") if source else None


def _os_release() -> dict[str, str]:
    if not OS_RELEASE.exists():
        return {}
    pairs = (line.partition("=") for line in OS_RELEASE.read_text(encoding="utf-8").splitlines())
    return {key: value.strip("\"'") for key, _, value in pairs}


class _Source(NamedTuple):
    suite: str
    uri: str
    signed_by: str


def _source(suite: str, aliases: Collection[str]) -> _Source | None:
    """Return the source of ``suite`` main; of the ``aliases`` that sources may have in its place.

    An archive has all its suites at one address, so each of them tells it.
    """
    found = [each for each in _sources() if each.suite == suite or each.suite in aliases]
    return min(found, key=lambda each: (*_foreignness(each), each.suite != suite), default=None)


def _sources() -> Iterator[_Source]:
    """Yield every source of a component main, as apt itself reads them."""
    fields = "$(CREATED_BY)|$(RELEASE)|$(COMPONENT)|$(REPO_URI)|$(SOURCESENTRY)"
    # The indexes say nothing about the sources, and take a second to read.
    listing = apt(
        *("indextargets", "--no-release-info", "--format", fields),
        *("--option", "Dir::State::Lists=/dev/null", "--option", "Dir::State::Status=/dev/null"),
    )
    for line in dict.fromkeys(listing.splitlines()):
        created_by, suite, component, uri, entry = line.split("|")
        if (created_by, component) == ("Packages", "main") and not uri.startswith("cdrom:"):
            file, _, number = entry.rpartition(":")
            yield _Source(suite, uri, _signed_by(Path(file), int(number)))


def _foreignness(source: _Source) -> tuple[bool, bool]:
    """Order Debian's own archive before third parties that use its suite names."""
    ours = source.uri.rstrip("/").endswith(("/debian", "/debian-security"))
    return ARCHIVE_KEYRING not in source.signed_by, not ours


def _signed_by(file: Path, number: int) -> str:
    """Return Signed-By of a line or stanza, from 1 (sources.list(5)): apt does not print it."""
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".sources":
        options = re.match(r"\s*deb\s+\[([^]]*)\]", text.splitlines()[number - 1])
        value = options and re.search(r"(?:^|\s)signed-by=(\S+)", options[1], re.IGNORECASE)
        return value[1] if value else ""
    # Sources of this form are few, and the import takes a while.
    from debian.deb822 import Deb822  # noqa: PLC0415

    stanzas = list(Deb822.iter_paragraphs(text, use_apt_pkg=False))
    return str(stanzas[number - 1].get("Signed-By", "")).rstrip()
