"""The wheelhouse: files of packages by their digest, in a folder that a CI cache can keep.

Others may write to such a cache, so a file is compared with the lock's hash when it is used, unless
it did not change since that was done.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from nox_buildkit.cache_entries import drop
from nox_buildkit.errors import Code, LockError
from nox_buildkit.file_digests import FileDigests
from nox_buildkit.files import cache_dir, private_dir, remove
from nox_buildkit.lock.credentials import netrc_logins
from nox_buildkit.lock.download import Download
from nox_buildkit.lock.download_logins import download_logins
from nox_buildkit.lock.pylock import read_pylock
from nox_buildkit.lock.source import Source
from nox_buildkit.plan.packages import Package
from nox_buildkit.progress import Progress

#: After which a file that no build has used is removed.
KEPT_SECONDS = 60 * 86400
#: How exactly the last use is known.
_USED_SECONDS = 86400


def wheelhouse() -> Path:
    """Return the folder of the wheelhouse."""
    return private_dir(cache_dir() / "wheelhouse")


def place_of(sha256: str, filename: str) -> Path:
    """Return the path of a file in the wheelhouse, which may not have it."""
    return wheelhouse() / sha256 / filename


def provide(packages: Iterable[Package], sources: Sequence[Source], report: Progress) -> None:
    """Put the files of ``packages`` into the wheelhouse: those that an index has.

    ``sources``: the requirements that they are locked of. Raises LockError.
    """
    wanted = {p.sha256: p for p in packages if not p.path}
    missing = [wanted[each] for each in _missing({d: p.filename for d, p in wanted.items()})]
    if missing:
        _download(_downloads(missing, sources), report)
    _forget_unused(wanted)


def provide_addressed(files: Mapping[str, str], report: Progress) -> None:
    """Put files of addresses into the wheelhouse; ``files``: digest (SHA-256) → address.

    Raises LockError, whose problems are about an address.
    """
    missing = {sha256: files[sha256] for sha256 in _missing({each: each for each in files})}
    names = {sha256: urlsplit(url).hostname or "" for sha256, url in missing.items()}
    known = netrc_logins(names.values())
    _download(
        [
            Download(
                url,
                place_of(sha256, sha256),
                sha256,
                {_host(url): known[names[sha256]]} if names[sha256] in known else {},
                urlsplit(url).path.rpartition("/")[2],
            )
            for sha256, url in missing.items()
        ],
        report,
    )


def _download(files: Sequence[Download], report: Progress) -> None:
    if files:
        # A build whose packages are here needs no HTTP client.
        from nox_buildkit.lock.downloads import download  # noqa: PLC0415

        download(files, report)


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _missing(files: Mapping[str, str]) -> list[str]:
    """Return the digests of those ``files``, digest → name, that are not there, or not whole."""
    known = FileDigests(wheelhouse(), "wheels")
    with ThreadPoolExecutor() as threads:
        whole = list(threads.map(lambda sha256: _is_whole(sha256, files[sha256], known), files))
    known.keep()
    return [sha256 for sha256, is_whole in zip(files, whole, strict=True) if not is_whole]


def _is_whole(sha256: str, filename: str, known: FileDigests) -> bool:
    path = place_of(sha256, filename)

    def read() -> str:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    try:
        status = path.stat()
        found = known.of(str(path), status, read)
    except OSError:
        return False
    if found != sha256:
        drop(path)
        return False
    if status.st_atime < time.time() - _USED_SECONDS:
        # BuildKit sends a file again whose time of change differs.
        os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))
    return True


def _downloads(missing: Sequence[Package], sources: Sequence[Source]) -> list[Download]:
    addresses = {p.sha256: p.url for p in missing if p.url}
    logins: dict[str, tuple[str, str]] = {}
    for source in sources:
        known = _addresses(source) if len(addresses) < len(missing) else {}
        wanted = {p.sha256: known[p.sha256] for p in missing if p.sha256 in known}
        addresses = {**wanted, **addresses}
        logins = {**download_logins(source, addresses.values()), **logins}
    problems = [
        Code.DOWNLOAD(f"the lock's index names no address of {p.filename}", "lock it again")
        for p in missing
        if p.sha256 not in addresses
    ]
    if problems:
        raise LockError(*problems)
    return [
        Download(addresses[p.sha256], place_of(p.sha256, p.filename), p.sha256, logins)
        for p in missing
    ]


def _addresses(source: Source) -> Mapping[str, str]:
    """Return the address of each file of a lock, by its digest."""
    found: dict[str, str] = {}
    for package in read_pylock(source).packages:
        files = (*(package.wheels or ()), package.sdist, package.archive)
        found |= {f.hashes["sha256"]: str(f.url) for f in files if f and f.url}
    return found


def _forget_unused(used: Mapping[str, object]) -> None:
    """Remove what no build has read for long: the time of access says when that was."""
    limit = time.time() - KEPT_SECONDS
    for folder in wheelhouse().glob("?" * 64):
        # Another build may do the same.
        with contextlib.suppress(OSError):
            last = max((path.stat().st_atime for path in folder.iterdir()), default=0.0)
            if folder.name not in used and last < limit:
                remove(folder)
