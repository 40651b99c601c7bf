"""Files that Debian's maintainer scripts would make, and files that an image can spare."""

from __future__ import annotations

import posixpath
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

from nox_buildkit.bases import linker_cache as linker
from nox_buildkit.bases.alternatives import Alternative, links, stated
from nox_buildkit.bases.image_inspection import Files
from nox_buildkit.files import remove
from nox_buildkit.oci.image_writer import Entry
from nox_buildkit.oci.platform import PLATFORMS

_LEFT_OUT = (
    "boot/", "dev/", "etc/apt/", "etc/cron.daily/", "etc/dpkg/", "etc/logrotate.d/",
    "usr/share/bash-completion/", "usr/share/bug/", "usr/share/debconf/", "usr/share/info/",
    "usr/share/lintian/", "usr/share/locale/", "usr/share/man/", "usr/share/menu/",
    # Works with debconf alone.
    "usr/sbin/update-passwd",
    "usr/share/pixmaps/", "usr/share/applications/", "var/cache/", "var/lib/apt/",
    "var/lib/dpkg/", "var/log/",
)  # fmt: skip

#: For CPython's own tests, and character sets for iconv(3), which Python does not use; those that
#: stay are the ones that distributions with a split glibc keep.
_LEFT_OUT_LIBRARIES = re.compile(
    r"usr/lib/(python3\.\d+/(test/|(lib-dynload/)?_(ctypes_)?test)"
    r"|[^/]+/gconv/(?!(ANSI_X3\.110|CP1252|ISO8859-15?|UTF-(7|16|32)|gconv-modules)(\.so)?$))"
)

#: Rows of the table by Debian's architecture.
_BY_DEBIAN = {row.debian: row for row in PLATFORMS.values()}

CA_BUNDLE = "etc/ssl/certs/ca-certificates.crt"


def configure(
    entries: dict[str, Entry], scripts: Mapping[str, str], architecture: str, folder: Path
) -> tuple[str, ...]:
    """Add what the maintainer ``scripts`` (by package) would make; none of them is run.

    ``folder``: to use, and gone afterwards. Returns a sentence for each thing that will be missed.
    """
    _add_configuration(entries)
    unread = _add_alternatives(entries, scripts, architecture, folder)
    missed = _add_linker_cache(entries, _BY_DEBIAN[architecture].elf.name)
    return (
        *(
            f"{name} makes links when it is installed that are not here: name its programs by "
            "their full paths"
            for name in unread
        ),
        *(
            f"{library} is not where the dynamic linker looks, and /{first} needs it"
            + f" (and {len(more)} more)" * bool(more)
            for library, (first, *more) in missed.items()
        ),
    )


def left_out(name: str) -> bool:
    """Tell whether a file of a package is of no use in an image."""
    if name.startswith("usr/share/doc/"):
        return not (name.endswith("/copyright") or name.count("/") == 3)
    return name.startswith(_LEFT_OUT) or bool(_LEFT_OUT_LIBRARIES.match(name))


def add_file(entries: dict[str, Entry], name: str, content: bytes, mode: int = 0o644) -> None:
    """Add a file of root's, and the folders above it that are missing."""
    _add_parents(entries, name)
    info = tarfile.TarInfo(name)
    info.mode = mode
    entries[name] = Entry(info, content)


def add_link(entries: dict[str, Entry], name: str, target: str) -> None:
    """Add a symbolic link, and the folders above it that are missing."""
    _add_parents(entries, name)
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
    entries[name] = Entry(info)


def _add_parents(entries: dict[str, Entry], name: str) -> None:
    parent = ""
    for part in name.split("/")[:-1]:
        parent = f"{parent}/{part}".strip("/")
        if parent not in entries:
            info = tarfile.TarInfo(parent)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            entries[parent] = Entry(info)


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
    add_link(entries, "usr/lib/ssl/cert.pem", f"/{CA_BUNDLE}")
    add_file(entries, "etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
    if "etc/localtime" not in entries:
        add_link(entries, "etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
    # A script of older releases diverts it.
    if "usr/bin/sh" not in entries and "usr/bin/dash" in entries:
        add_link(entries, "usr/bin/sh", "dash")


def _add_alternatives(
    entries: dict[str, Entry], scripts: Mapping[str, str], architecture: str, folder: Path
) -> list[str]:
    """Add what update-alternatives would make; packages whose scripts are not understood.

    ``folder``: to use.
    """
    wanted: list[Alternative] = []
    unread = []
    known = {"architecture": architecture, "multiarch": _BY_DEBIAN[architecture].triple}
    for name, script in sorted(scripts.items()):
        if "update-alternatives" in script:
            found, complete = stated(script, known)
            wanted += found
            unread += [] if complete else [name]
    for path, target in links(wanted, _files(entries), folder).items():
        if path not in entries and not left_out(path):
            add_link(entries, path, target)
    remove(folder)
    return unread


def _add_linker_cache(entries: dict[str, Entry], machine: str) -> dict[str, list[str]]:
    """Add what ldconfig makes; libraries that it does not know, and programs that need them."""
    elves = {
        name: elf
        for name, entry in entries.items()
        if entry.info.isreg() and (elf := linker.read_elf(entry.content))
    }
    for name, entry in entries.items():
        if entry.info.islnk() and entry.info.linkname in elves:
            elves[name] = elves[entry.info.linkname]
    files = _files(entries)
    contents = {n: entry.content for n, entry in entries.items() if n.startswith("etc/ld.so.conf")}
    looked = linker.folders(contents)
    known = [one for one in linker.libraries(files, elves, looked) if one.machine == machine]
    for library in known:
        if library.target:
            folder = files.real(posixpath.dirname(library.path))
            add_link(entries, f"{folder}/{library.soname}", library.target)
    add_file(entries, linker.CACHE, linker.cache(known))
    return linker.missing(files, elves, known, machine)


def _files(entries: Mapping[str, Entry]) -> Files:
    infos = {name: entry.info for name, entry in entries.items()}
    return Files({n: info.linkname if info.issym() else None for n, info in infos.items()})
