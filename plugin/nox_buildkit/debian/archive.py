"""Debian's archive, read with a private apt configuration: nothing on the host changes.

Where packages come from (mirror, key, proxies, certificates) is the host's configuration; which
suite they come from is ours. apt verifies every index and package (apt-secure(8)).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from nox_buildkit.errors import EngineError, Problem
from nox_buildkit.files import cache_dir, locked, private_dir, write_atomic
from nox_buildkit.run import run

OS_RELEASE = Path("/etc/os-release")
ARCHIVE_KEYRING = "debian-archive-keyring"
# An index younger than this is not asked for again: one run unpacks several packages.
FRESH_SECONDS = 3600
#: For an index of a suite, on a slow network.
_SECONDS = 1800
WITHOUT_APT = (
    "run `apt-get install docker.io docker-buildx` (or your distribution's equivalent), then "
    "`docker buildx create --driver docker-container --use`"
)

_UNHOOKED = """\
#clear APT::Default-Release;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""

# What is fetched in place of the index of packages (apt's doc/acquire-additional-files.md).
_FILES_ONLY = """\
#clear Acquire::IndexTargets;
Acquire::IndexTargets::deb::Contents {
  MetaKey "$(COMPONENT)/Contents-%s";
  ShortDescription "Contents";
  Description "$(RELEASE)/$(COMPONENT) Contents";
  KeepCompressed "true";
  KeepCompressedAs "gz";
};
// Whoever waits for it can do without.
Acquire::Retries "0";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
"""


@dataclass(frozen=True, slots=True)
class Archive:
    """The host's Debian archive: ``suite`` is its codename, ``version`` its VERSION_ID.

    ``signed_by``: value of the source's Signed-By field, "" where apt's own keyrings decide.
    """

    uri: str
    signed_by: str
    suite: str
    version: str


@dataclass(frozen=True, slots=True)
class Remote:
    """A package file in the archive; ``size`` in bytes."""

    name: str
    size: int


def host_archive() -> Archive:
    """Read which archive this host's apt installs from.

    Raises EngineError where the host is not Debian, or its apt has no Debian source.
    """
    release = _os_release()
    if release.get("ID") != "debian" or shutil.which("apt-get") is None:
        name = release.get("PRETTY_NAME", "this system")
        raise EngineError(Problem(f"Debian's packages are needed, and this is {name}", WITHOUT_APT))
    suite = release.get("VERSION_CODENAME", "testing")
    sources = sorted(_sources(suite), key=_foreignness)
    if not sources:
        raise EngineError(
            Problem(
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
    listing = _apt(
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


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite of the host's archive, with apt configuration, indexes and cache of its own.

    ``files_of``: the architecture whose index of files it has, and then it has no packages.
    """

    name: str
    folder: Path
    files_of: str = ""

    @classmethod
    def of(cls, archive: Archive, name: str, *, files_of: str = "") -> Suite:
        """Configure apt for the suite ``name`` of ``archive``; no network."""
        folder = f"{name}-files-{files_of}" if files_of else name
        suite = cls(name, private_dir(cache_dir() / "apt" / folder), files_of)
        stanza = f"Types: deb\nURIs: {archive.uri}\nSuites: {name}\nComponents: main\n"
        if files_of:
            stanza += f"Architectures: {files_of}\n"
        if archive.signed_by:
            stanza += f"Signed-By: {archive.signed_by}\n"
        write_atomic(suite.folder / "debian.sources", stanza)
        write_atomic(suite.folder / "apt.conf", suite._configuration())
        for part in ("lists", "cache/archives"):
            (suite.folder / part / "partial").mkdir(parents=True, exist_ok=True)
        return suite

    def _configuration(self) -> str:
        """Return the changes to the host's apt.conf.d, which is read first and has its proxies."""
        folder = self.folder
        options = {
            "Dir::Etc::SourceList": folder / "debian.sources",
            "Dir::Etc::SourceParts": "/dev/null",
            # Pins and installed packages of the host say nothing about what we unpack.
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            "Dir::State::Status": "/dev/null",
            "Dir::State::Lists": folder / "lists",
            "Dir::Cache": folder / "cache",
            # Container images switch it off; it halves the time of each further apt call.
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Acquire::Languages": "none",
            # The user _apt cannot enter a folder of mode 0700, and apt warns about that.
            "APT::Sandbox::User": "root",
        }
        text = _UNHOOKED + "".join(f'{key} "{value}";\n' for key, value in options.items())
        return text + (_FILES_ONLY % self.files_of if self.files_of else "")

    def update(self) -> None:
        """Fetch the suite's index, unless it is fresh. Raises EngineError."""
        stamp = self.folder / "updated"
        with locked(self.folder / "lock"):
            if stamp.exists() and 0 <= time.time() - stamp.stat().st_mtime < FRESH_SECONDS:
                return
            # Without this, apt takes a suite that it could not fetch for a warning.
            self._apt("update", "--error-on=any")
            stamp.touch()

    def files_index(self) -> Path | None:
        """The index of files, gzip, as last fetched; None where the archive has none."""
        fields = "$(CREATED_BY)|$(FILENAME)"
        listing = self._apt("indextargets", "--format", fields).splitlines()
        found = (line.removeprefix("Contents|") for line in listing if line.startswith("Contents|"))
        return next(map(Path, found), None)

    def names(self) -> frozenset[str]:
        """The names of all packages, as last fetched. Raises EngineError."""
        return frozenset(_apt(*self._command[1:], "pkgnames", program="apt-cache").split())

    def remotes(self, packages: Sequence[str]) -> tuple[Remote, ...]:
        """Files that hold ``packages``. Raises EngineError for one that the suite has not."""
        lines = self._apt("download", "--print-uris", *packages).splitlines()
        rows = (line.split() for line in lines if line.startswith("'"))
        return tuple(Remote(unquote(row[1]), int(row[2])) for row in rows)

    def download(self, packages: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
        """Start to download ``packages`` into ``folder``; apt writes its errors to stderr."""
        return subprocess.Popen(
            [*self._command, "download", *packages],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    @property
    def _command(self) -> tuple[str, ...]:
        return ("apt-get", "--config-file", str(self.folder / "apt.conf"), "--quiet=2")

    def _apt(self, *arguments: str) -> str:
        return _apt(*self._command[1:], *arguments)


def apt_error(stderr: bytes) -> EngineError:
    """Make one problem of what apt said."""
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines()]
    causes = [line[2:].strip() for line in lines if line.startswith("E:")] or lines[-1:]
    return EngineError(
        Problem(
            "apt: " + "; ".join(dict.fromkeys(causes)),
            "check that this host's `apt-get update` works",
        )
    )


def _apt(*arguments: str, program: str = "apt-get") -> str:
    done = run([program, *arguments], env=_environment(), seconds=_SECONDS)
    if done.returncode:
        raise apt_error(done.stderr)
    return done.stdout.decode()


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8"}
