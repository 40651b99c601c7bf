"""Debian's packages for one architecture, with what their maintainer scripts would make."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.bases.layout import Entry
from nox_buildkit.bases.names import EXACT, installed_names, unknown_name, wrong_names
from nox_buildkit.errors import EngineError, Problem
from nox_buildkit.files import remove
from nox_buildkit.visible import redacted

#: Unpacked because others depend on them, useless without a package manager.
DROPPED = frozenset({"debconf", "debianutils", "dpkg", "libdebconfclient0", "mawk", "openssl"})

PACKAGES = (
    "base-files",
    "base-passwd",
    "ca-certificates",
    "coreutils",
    "dash",
    # Wheels may expect it from the system (PEP 600), as they do from libc.
    "libstdc++6",
    "media-types",
    "netbase",
    "python-is-python3",
    "python3",
    "tzdata",
)

_LEFT_OUT = (
    "boot/", "dev/", "etc/apt/", "etc/cron.daily/", "etc/dpkg/", "etc/logrotate.d/",
    "usr/share/bash-completion/", "usr/share/bug/", "usr/share/debconf/", "usr/share/info/",
    "usr/share/lintian/", "usr/share/locale/", "usr/share/man/", "usr/share/menu/",
    "usr/share/pixmaps/", "usr/share/applications/", "var/cache/", "var/lib/apt/",
    "var/lib/dpkg/", "var/log/",
)  # fmt: skip

#: For CPython's own tests, and character sets for iconv(3), which Python does not use; those that
#: stay are the ones that distributions with a split glibc keep.
_LEFT_OUT_LIBRARIES = re.compile(
    r"usr/lib/(python3\.\d+/(test/|(lib-dynload/)?_(ctypes_)?test)"
    r"|[^/]+/gconv/(?!(ANSI_X3\.110|CP1252|ISO8859-15?|UTF-(7|16|32)|gconv-modules)(\.so)?$))"
)

#: Links that maintainer scripts make, and what they lead to in the same folder.
_ALTERNATIVES = {
    "usr/bin/sh": "dash",
    "usr/bin/cc": "gcc",
    "usr/bin/c++": "g++",
    "usr/bin/awk": "gawk",
}

CA_BUNDLE = "etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the packages come from: apt source lines of the host with the suite exchanged."""

    lines: tuple[str, ...]
    mmdebstrap: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a base by path, and the version of each Debian package in it.

    ``asked``: what was asked for by name → the package that it is, of a virtual one the provider.
    """

    entries: dict[str, Entry]
    packages: dict[str, str]
    asked: dict[str, str]


def unpack(
    suite: str, architecture: str, packages: Sequence[str], source: Source, work: Path
) -> Tree:
    """Unpack ``packages``, and what they depend on, of ``suite`` for ``architecture``.

    ``work``: a folder to use. Raises EngineError.
    """
    tar, debs = work / f"{architecture}.tar", work / architecture
    debs.mkdir()
    hook = Path(shutil.which(source.mmdebstrap[-1]) or source.mmdebstrap[-1]).resolve()
    usrmerge = hook.parent.parent / "share/mmdebstrap/hooks/merged-usr"
    command = [
        *source.mmdebstrap,
        "--variant=extract",
        f"--mode={'root' if os.geteuid() == 0 else 'unshare'}",
        # Nothing runs in the tree, so the host's /dev, /proc and /sys have no business in it.
        "--skip=chroot/mount",
        f"--architectures={architecture}",
        f"--include={','.join(packages)}",
        '--aptopt={} "{}"'.format(*EXACT),
        *([f"--hook-dir={usrmerge}"] if suite == "bookworm" else []),
        f"--extract-hook=copy-out /var/cache/apt/archives {debs}",
        suite,
        str(tar),
        # On standard input, since an address may hold credentials.
        "-",
    ]
    done = subprocess.run(
        command,
        input="\n".join(source.lines) + "\n",
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, "SOURCE_DATE_EPOCH": "0", "LC_ALL": "C.UTF-8", "TMPDIR": str(work)},
    )
    where = f"Debian {suite} for {architecture}"
    if done.returncode:
        # mmdebstrap says again what apt said.
        if wrong := tuple(dict.fromkeys(wrong_names(done.stderr, where))):
            raise EngineError(*wrong)
        causes = [line[3:] for line in done.stderr.splitlines() if line.startswith("E: ")]
        cause = redacted(causes[0] if causes else done.stderr.strip()[-300:])
        hint = "check that the Debian mirror of this machine answers ('apt-get update')"
        if os.strerror(errno.ENOSPC) in done.stderr:
            cause, hint = f"the disk of {work} is full", "make room on it, and build again"
        raise EngineError(Problem(f"{where} cannot be assembled: {cause}", hint))
    dropped, controls = _contents(sorted((debs / "archives").glob("*.deb")), {*packages})
    asked = installed_names(packages, controls)
    if missing := [name for name in packages if name not in asked]:
        raise EngineError(*(unknown_name(name, where) for name in missing))
    entries = _entries(tar, dropped)
    tar.unlink()
    remove(debs)
    _add_configuration(entries)
    for name, control in controls.items():
        add_file(entries, f"var/lib/dpkg/status.d/{name}", control.encode())
    versions = {
        name: line.removeprefix("Version: ")
        for name, control in controls.items()
        for line in control.splitlines()
        if line.startswith("Version: ")
    }
    return Tree(entries, versions, asked)


def _contents(debs: Sequence[Path], asked: set[str]) -> tuple[set[str], dict[str, str]]:
    """Paths of the dropped packages, and the control file of every package that stays.

    No two packages own the same file (Debian policy, 7.6.1), so a path says whose it is.
    """
    dropped: set[str] = set()
    packages: dict[str, str] = {}
    for deb in debs:
        control = subprocess.run(
            ["dpkg-deb", "--field", deb], capture_output=True, text=True, check=True
        ).stdout
        name = control.split("\n", 1)[0].removeprefix("Package: ")
        if name not in DROPPED - asked:
            packages[name] = control
            continue
        listing = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", deb], capture_output=True, check=True
        )
        with tempfile.TemporaryFile() as stream:
            stream.write(listing.stdout)
            stream.seek(0)
            with tarfile.open(fileobj=stream) as tar:
                dropped |= {m.name.removeprefix("./") for m in tar if not m.isdir()}
    # Merged /usr: packages of older releases name /bin/x what the tree has as /usr/bin/x.
    return {form for path in dropped for form in (path, f"usr/{path}")}, packages


def _entries(tar: Path, dropped: set[str]) -> dict[str, Entry]:
    entries = {}
    with tarfile.open(tar) as archive:
        for member in archive:
            name = member.name.removeprefix("./").strip("/")
            if not name or name == "." or name in dropped or _left_out(name):
                continue
            stream = archive.extractfile(member) if member.isreg() else None
            member.name = name
            if member.islnk():
                member.linkname = member.linkname.removeprefix("./")
            entries[name] = Entry(member, stream.read() if stream else b"")
    return entries


def _left_out(name: str) -> bool:
    if name.startswith("usr/share/doc/"):
        return not (name.endswith("/copyright") or name.count("/") == 3)
    return name.startswith(_LEFT_OUT) or bool(_LEFT_OUT_LIBRARIES.match(name))


def add_file(entries: dict[str, Entry], name: str, content: bytes, mode: int = 0o644) -> None:
    """Add a file of root's, and the folders above it that are missing."""
    parent = ""
    for part in name.split("/")[:-1]:
        parent = f"{parent}/{part}".strip("/")
        if parent not in entries:
            info = tarfile.TarInfo(parent)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            entries[parent] = Entry(info)
    info = tarfile.TarInfo(name)
    info.mode = mode
    entries[name] = Entry(info, content)


def _add_link(entries: dict[str, Entry], name: str, target: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
    entries[name] = Entry(info)


def _add_configuration(entries: dict[str, Entry]) -> None:
    for name in ("passwd", "group"):
        # An asterisk says that no password will ever match: there is no shadow file.
        add_file(entries, f"etc/{name}", entries[f"usr/share/base-passwd/{name}.master"].content)
    certificates = sorted(
        name
        for name in entries
        if name.startswith("usr/share/ca-certificates/") and name.endswith(".crt")
    )
    add_file(entries, CA_BUNDLE, b"".join(entries[name].content for name in certificates))
    # The file that Debian's OpenSSL, and so Python's ssl, looks for when no variable names another.
    _add_link(entries, "usr/lib/ssl/cert.pem", f"/{CA_BUNDLE}")
    add_file(entries, "etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
    if "etc/localtime" not in entries:
        _add_link(entries, "etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
    for name, target in _ALTERNATIVES.items():
        if name not in entries and f"usr/bin/{target}" in entries:
            _add_link(entries, name, target)
