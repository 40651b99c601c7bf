"""The file of each locked package for each platform: a wheel, an sdist, or nothing.

Known of the index's own metadata before anything is built, and kept: a lock that was covered once
is not looked at again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from nox_buildkit.cache_entries import read_cached, write_cached
from nox_buildkit.errors import Code, PlanError
from nox_buildkit.files import cache_dir, private_dir
from nox_buildkit.lock.pylock_cache import state
from nox_buildkit.lock.python_specifiers import accepts
from nox_buildkit.lock.source import Source
from nox_buildkit.oci.platform import KnownPlatform
from nox_buildkit.plan.facts import Coverage, FileKind, LockedFile
from nox_buildkit.plan.wheel_platforms import Libc, marker_environment, uv_platform, wheel_tags

if TYPE_CHECKING:
    from packaging.pylock import Package, PackageArchive, PackageWheel, Pylock
    from packaging.tags import Tag
    from packaging.utils import BuildTag

#: Counts changes of what is kept.
_FORMAT = 5


def read_coverage(
    source: Source, platforms: Sequence[KnownPlatform], python: str, libc: Libc
) -> Coverage:
    """The files that ``platforms`` get of the lock of ``source``.

    ``python``: with its patch release where that is known. Raises LockError, PlanError.
    """
    key = json.dumps([_FORMAT, state(source), [p.oci for p in platforms], python, str(libc)])
    digest = hashlib.sha256(key.encode()).hexdigest()
    path = private_dir(cache_dir() / "coverage") / f"{digest}.json"
    if (kept := read_cached(path)) is not None:
        return {platform: tuple(LockedFile(**f) for f in files) for platform, files in kept.items()}
    # Not on the way of a run that finds nothing to do.
    from nox_buildkit.lock.pylock import read_pylock  # noqa: PLC0415

    coverage = cover(read_pylock(source), platforms, python, libc)
    if any(file.kind == "none" for files in coverage.values() for file in files):
        # An error that somebody is going to mend: not kept.
        return {
            p.oci: tuple(_newest(f, source, p, python, libc) for f in coverage[p.oci])
            for p in platforms
        }
    kept = {platform: [asdict(f) for f in files] for platform, files in coverage.items()}
    write_cached(path, kept)
    return coverage


def cover(lock: Pylock, platforms: Iterable[KnownPlatform], python: str, libc: Libc) -> Coverage:
    """The best file of every package of ``lock`` for each of ``platforms``.

    Raises PlanError for a lock that is not for ``python`` at all.
    """
    return {p.oci: tuple(_cover(lock, p, python, libc)) for p in platforms}


def _cover(lock: Pylock, platform: KnownPlatform, python: str, libc: Libc) -> Iterator[LockedFile]:
    # Not on the way of a run that finds nothing to do.
    from packaging.pylock import PylockSelectError  # noqa: PLC0415

    tags = list(wheel_tags(platform, python, libc))
    environment = marker_environment(platform, python)
    accepted = lock.requires_python
    minor, _, patch = python.partition(".")[2].partition(".")
    # Where it is not known which patch release the image has, some have to do.
    if accepted and not accepts(accepted, f"3.{minor}", int(patch) if patch else None):
        message = f"the lock is for Python '{accepted}', and the image has {python}"
        raise PlanError(Code.PYTHON_VERSION(message, "set 'python' to one that it is for"))
    lock = replace(lock, requires_python=None)
    found: dict[str, LockedFile] = {}
    for package in lock.packages:
        # One at a time: the first that has nothing would hide all others.
        alone = replace(lock, packages=[_newest_builds_first(package)])
        try:
            selected = alone.select(environment=environment, tags=tags)
            chosen = [_file(package, file, tags) for package, file in selected]
        except PylockSelectError:
            chosen = [LockedFile(package.name, str(package.version or ""), "none")]
        for file in chosen:
            if file.name in found:
                raise PlanError(
                    Code.LOCK_MISFIT(
                        f"the lock has {file.name} twice for {platform.oci}: "
                        f"{found[file.name].version} and {file.version}",
                        "lock it again with one of them",
                    )
                )
            found[file.name] = file
    yield from (found[name] for name in sorted(found))


def _newest_builds_first(package: Package) -> Package:
    """``package`` with its wheels in the order of their build numbers, which break ties.

    The first of those that suit a platform equally well is selected.
    """
    if not package.wheels:
        return package
    return replace(package, wheels=sorted(package.wheels, key=_build_number, reverse=True))


def _build_number(wheel: PackageWheel) -> BuildTag:
    try:
        return parse_wheel_filename(wheel.filename)[2]
    except InvalidWheelFilename:
        # Whoever selects one says what is wrong with it.
        return ()


def _newest(
    file: LockedFile, source: Source, platform: KnownPlatform, python: str, libc: Libc
) -> LockedFile:
    if file.kind != "none":
        return file
    from nox_buildkit.lock.newest_versions import newest_with_wheel  # noqa: PLC0415 - as above

    newest = newest_with_wheel(source, file.name, python, uv_platform(platform, libc))
    return replace(file, newest=newest)


def _file(package: Package, file: object, tags: Collection[Tag]) -> LockedFile:
    from urllib.request import url2pathname  # noqa: PLC0415 - as above

    from packaging.pylock import PackageArchive, PackageSdist, PackageWheel  # noqa: PLC0415

    name, version = package.name, str(package.version or "")
    if isinstance(file, PackageArchive) and file.url and not file.subdirectory:
        return _archive(name, version, file, tags)
    if not isinstance(file, (PackageWheel, PackageSdist)):
        return LockedFile(name, version, "other")
    kind: FileKind = "wheel" if isinstance(file, PackageWheel) else "sdist"
    address = urlsplit(str(file.url or ""))
    path = url2pathname(address.path) if address.scheme == "file" else ""
    sha256 = file.hashes["sha256"]
    return LockedFile(name, version, kind, file.filename, sha256, file.size, path=path)


def _archive(name: str, version: str, file: PackageArchive, tags: Collection[Tag]) -> LockedFile:
    """A file that the lock names by its address, where it suits ``tags``."""
    url = str(file.url)
    filename = unquote(urlsplit(url).path).rpartition("/")[2]
    wheel = filename.endswith(".whl")
    if wheel and parse_wheel_filename(filename)[3].isdisjoint(tags):
        return LockedFile(name, version, "none")
    kind: FileKind = "wheel" if wheel else "sdist"
    sha256 = file.hashes["sha256"]
    return LockedFile(name, version, kind, filename, sha256, file.size, url=url)
