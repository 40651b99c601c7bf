"""The Debian package that has a shared library, by the archive's index of files (Contents).

The index of a release and architecture is 13 MB, and 170 MB unpacked: it is fetched when the first
library is asked for, read once from its beginning to its end, and what it says of shared libraries
is kept. Its format: wiki.debian.org/DebianRepository/Format, "Contents" indices.
"""

from __future__ import annotations

import gzip
import posixpath
import re
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from nox_buildkit.cache_entries import read_cached, write_cached
from nox_buildkit.debian.archive import host_archive
from nox_buildkit.debian.suite import FRESH_SECONDS, Suite
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.files import cache_dir, locked
from nox_buildkit.oci.platform import PLATFORMS

#: Counts changes of what is kept of the same index.
_FORMAT = 2

_LIBRARY = re.compile(rb"(?:usr/)?lib/(?:\S+/)?[^/\s]+\.so(?:\.[^/\s]*)?\s")

#: Where the dynamic linker of each Debian architecture looks (ld.so.conf.d of Debian's libc6).
_FOLDERS = {
    row.debian: {f"{usr}lib{folder}" for usr in ("", "usr/") for folder in ("", f"/{row.triple}")}
    for row in PLATFORMS.values()
}


def packages_of(
    libraries: Iterable[str], suite: str, architecture: str, tell: Callable[[str], None]
) -> dict[str, str]:
    """The package of each of ``libraries`` (``libpq.so.5``) in Debian's ``suite``, main.

    A library that no package has is not in the result. ``tell`` hears of what takes a while.

    Raises EngineError where there is no index to look into: the host's apt has no Debian archive,
    or cannot reach it, or the archive has no such suite or architecture.
    """
    wanted = set(libraries)
    folder = cache_dir() / "contents"
    kept = folder / f"{suite}-{architecture}.{_FORMAT}.json"
    tried = folder / f"{suite}-{architecture}.tried"
    with locked(folder / f"{suite}-{architecture}.lock"):
        known: dict[str, str] = read_cached(kept) or {}
        # A release gets new packages now and then, and a network comes back.
        if not wanted <= known.keys() and not _is_fresh(tried):
            try:
                known = _fetch(suite, architecture, tell)
                write_cached(kept, known)
            except EngineError:
                # Each of the next builds would wait for the same network again.
                tried.touch()
                if not known:
                    raise
            tried.touch()
    if not known:
        raise EngineError(
            Code.DEBIAN_ARCHIVE(f"there was no list of files of Debian {suite} a while ago")
        )
    return {library: known[library] for library in wanted & known.keys()}


def _is_fresh(stamp: Path) -> bool:
    return stamp.exists() and 0 <= time.time() - stamp.stat().st_mtime < FRESH_SECONDS


def _fetch(suite: str, architecture: str, tell: Callable[[str], None]) -> dict[str, str]:
    archive = Suite.of(host_archive(), suite, files_of=architecture)
    files = f"list of files of Debian {suite} for {architecture}"
    tell(f"looking up packages in the {files} (13 MB the first time)")
    archive.update()
    index = archive.files_index()
    if index is None:
        raise EngineError(Code.DEBIAN_ARCHIVE(f"the archive has no {files}"))
    try:
        with gzip.open(index) as lines:
            return read_contents(lines, architecture)
    except (OSError, EOFError, zlib.error) as error:
        # apt keeps what it fetched before as long as the archive has the same.
        index.unlink(missing_ok=True)
        raise EngineError(Code.DEBIAN_ARCHIVE(f"{index} cannot be read: {error}")) from error


def read_contents(lines: Iterable[bytes], architecture: str) -> dict[str, str]:
    """The package of every shared library that the ``lines`` of a Contents index name.

    Of several, one that puts it where the dynamic linker looks, and of these the shortest name.
    """
    best: dict[str, tuple[bool, int, str]] = {}
    for line in lines:
        # The cheap question first: one line in thirty has it.
        if b".so" not in line or not _LIBRARY.match(line):
            continue
        path, owners = line.decode(errors="replace").rsplit(None, 1)
        folder, library = posixpath.split(path)
        for owner in owners.split(","):
            name = posixpath.basename(owner)
            rank = (folder not in _FOLDERS[architecture], len(name), name)
            best[library] = min(rank, best.get(library, rank))
    return {library: name for library, (_, _, name) in best.items()}
