"""A suite of Debian's archive, with a private configuration of apt: the host stays as it is.

The mirror, its key, proxies and certificates are the host's configuration; the suite is ours.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from nox_buildkit.debian.apt import apt, apt_environment
from nox_buildkit.debian.archive import Archive
from nox_buildkit.files import cache_dir, locked, private_dir, write_atomic

# An index younger than this is not asked for again: one run unpacks several packages.
FRESH_SECONDS = 3600

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
class Remote:
    """A package file in the archive; ``size`` in bytes."""

    name: str
    size: int


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
            # The host's mirror may be another one than the index is of.
            source = (self.folder / "debian.sources").read_text(encoding="utf-8")
            if stamp.exists() and stamp.read_text(encoding="utf-8") == source and _is_fresh(stamp):
                return
            # Without this, apt takes a suite that it could not fetch for a warning.
            self._apt("update", "--error-on=any")
            write_atomic(stamp, source)

    def files_index(self) -> Path | None:
        """The index of files, gzip, as last fetched; None where the archive has none."""
        fields = "$(CREATED_BY)|$(FILENAME)"
        listing = self._apt("indextargets", "--format", fields).splitlines()
        found = (line.removeprefix("Contents|") for line in listing if line.startswith("Contents|"))
        return next(map(Path, found), None)

    def names(self) -> frozenset[str]:
        """The names of all packages, as last fetched. Raises EngineError."""
        return frozenset(apt(*self.options, "pkgnames", program="apt-cache").split())

    def providers(self, names: Collection[str]) -> dict[str, str]:
        """Return those of the virtual packages ``names`` that one package provides → that one.

        Raises EngineError.
        """
        text = apt(*self.options, "showpkg", *sorted(names), program="apt-cache") if names else ""
        found: dict[str, str] = {}
        for part in text.split("Package: ")[1:]:
            rows = part.partition("\nReverse Provides: \n")[2].splitlines()
            providers = {row.split()[0] for row in rows if row.strip()}
            if len(providers) == 1:
                found[part.partition("\n")[0].strip()] = providers.pop()
        return found

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
            env=apt_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def options(self) -> tuple[str, ...]:
        """The options that make a program of apt see this suite alone."""
        return self._command[1:]

    @property
    def _command(self) -> tuple[str, ...]:
        return ("apt-get", "--config-file", str(self.folder / "apt.conf"), "--quiet=2")

    def _apt(self, *arguments: str) -> str:
        return apt(*self.options, *arguments)


def _is_fresh(stamp: Path) -> bool:
    return 0 <= time.time() - stamp.stat().st_mtime < FRESH_SECONDS
