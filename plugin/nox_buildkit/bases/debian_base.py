"""The ``debian`` base: Python from Debian's archive, assembled without a registry or a daemon.

mmdebstrap downloads, verifies and unpacks the packages and runs no maintainer script (variant
``extract``), as distroless images are made; so any architecture takes seconds on any machine.
What the scripts would have made and a Python process needs is added here: the user database, the
CA bundle, name service configuration, and byte code of the standard library.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from nox_buildkit.bases import store
from nox_buildkit.bases.assembled_bases import BaseContents, DebianBase, assembled, place_of, read
from nox_buildkit.bases.bytecode import Bytecode, compile_library
from nox_buildkit.bases.cross_packages import packages_of
from nox_buildkit.bases.debian_release import Release
from nox_buildkit.bases.maintainer_scripts import add_file
from nox_buildkit.bases.mmdebstrap import PackageSource, Selection, versions
from nox_buildkit.bases.unpack import Tree, is_kept, unpack
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.files import cache_dir, locked, scratch
from nox_buildkit.oci.image_writer import PlatformImage, write_images
from nox_buildkit.oci.layout import Layout, compose
from nox_buildkit.oci.platform import PLATFORMS, host_platform
from nox_buildkit.progress import Progress
from nox_buildkit.run import Programs

#: How long the packages of one platform may take: a network can be slow.
_LIMIT_SECONDS = 1800


def assemble(
    release: Release,
    platforms: Iterable[str],
    source: PackageSource,
    report: Progress,
    *,
    contents: BaseContents,
    again: bool = False,
) -> DebianBase:
    """Return the base for ``platforms``, from the cache or from Debian's archive.

    Each platform is assembled by itself, so that one more leaves the others as they are.
    ``again``: a base that is there already is kept if Debian has no newer packages for it.

    Raises EngineError where packages cannot be downloaded or verified.
    """
    wanted = sorted(set(platforms))
    lock = place_of(release, [], contents).with_suffix(".lock")
    with locked(lock):
        if not again and (base := assembled(release, wanted, contents)):
            return base
        places = {platform: place_of(release, [platform], contents) for platform in wanted}
        for place in places.values():
            store.drop_damaged(place)
        there = {name: base for name, place in places.items() if (base := read(place))}
        what = f"Debian {release.suite} with Python {release.python}{contents}"
        if again and there:
            report.message(f"looking for newer packages of {what} for {' and '.join(there)}")
            there = _newest(release, there, source, contents)
        if missing := [name for name in wanted if name not in there]:
            report.message(f"assembling {what} for {' and '.join(missing)}")
            _make(release, missing, source, contents)
        return assembled(release, wanted, contents) or _composed(release, wanted, contents)


def _newest(
    release: Release,
    there: Mapping[str, DebianBase],
    source: PackageSource,
    contents: BaseContents,
) -> dict[str, DebianBase]:
    """Return those of the bases ``there``, by platform, that would be assembled anew as they are.

    A package of one version and architecture is one file, in Debian's archive.
    """
    selections = _selections(release, there, contents)
    with (
        _scratch(release, contents) as work,
        ThreadPoolExecutor() as pool,
        Programs(work, _LIMIT_SECONDS) as programs,
    ):
        found = pool.map(lambda one: _versions(one, source, programs), selections.values())
        newest = dict(zip(selections, found, strict=True))
    return {p: base for p, base in there.items() if base.packages[p] == newest[p]}


def _versions(selection: Selection, source: PackageSource, programs: Programs) -> dict[str, str]:
    """Return name and version of every package that a base would have."""
    found = versions(selection, source, programs)
    return {name: v for name, v in found.items() if is_kept(name, selection.packages)}


def _selections(
    release: Release, platforms: Iterable[str], contents: BaseContents
) -> dict[str, Selection]:
    names, foreign = packages_of(release, contents)
    return {p: Selection(release.suite, PLATFORMS[p].debian, names, foreign) for p in platforms}


@contextlib.contextmanager
def _scratch(release: Release, contents: BaseContents) -> Iterator[Path]:
    """Make a folder beside the bases, which users of other namespaces can enter."""
    with scratch(place_of(release, [], contents).parent, ".assemble-") as work:
        work.chmod(0o755)
        yield work


def _require_python(release: Release, tree: Tree) -> None:
    if f"python{release.python}-minimal" not in tree.packages:
        message = f"Debian {release.suite} has another Python than {release.python} by now"
        hint = "set 'python' to another, or take base 'slim'"
        raise EngineError(Code.BASE_ASSEMBLY(message, hint))


def _make(
    release: Release, platforms: Sequence[str], source: PackageSource, contents: BaseContents
) -> None:
    """Assemble and keep each of ``platforms``."""
    with _scratch(release, contents) as work, ThreadPoolExecutor() as pool:
        unpacked = _unpacked(release, platforms, source, contents, work)
        for tree, _ in unpacked.values():
            _require_python(release, tree)

        def pack(platform: str) -> None:
            tree, bytecode = unpacked[platform]
            layout = work / f"layout-{platform.replace('/', '-')}"
            layout.mkdir()
            # Nobody pulls what only builds use: packed in a hurry.
            compression = 1 if contents.compilers else 6
            image = _image(platform, tree, bytecode, release, compression=compression)
            (manifest,) = write_images(layout, [image])
            (index,) = Layout(layout).entries()
            known = {
                "digest": index.digest,
                "manifests": {platform: manifest.digest},
                "packages": {platform: tree.packages},
                "asked": dict(tree.asked),
                "lacks": {platform: list(tree.lacks)},
            }
            store.keep(place_of(release, [platform], contents), layout, known)

        for _ in pool.map(pack, platforms):
            pass


def _unpacked(
    release: Release,
    platforms: Sequence[str],
    source: PackageSource,
    contents: BaseContents,
    work: Path,
) -> dict[str, tuple[Tree, Bytecode]]:
    """Unpack the packages of each of ``platforms``; byte code is that of this machine's Python."""
    host = _host()
    every = platforms if contents.compilers else sorted({*platforms, host})
    selections = _selections(release, every, contents)
    # The programs end before the threads that wait for them.
    with ThreadPoolExecutor() as pool, Programs(work, _LIMIT_SECONDS) as programs:
        unpacked = pool.map(lambda one: unpack(one, source, programs), selections.values())
        trees = dict(zip(selections, unpacked, strict=True))
        bytecode: Bytecode = {}
        if not contents.compilers:
            bytecode = compile_library(trees[host], release.python, work / "host", programs)
    return {platform: (trees[platform], bytecode) for platform in platforms}


def _composed(release: Release, platforms: Sequence[str], contents: BaseContents) -> DebianBase:
    """Return the base of ``platforms``, each of which is kept by itself."""
    parts = [read(place_of(release, [platform], contents)) for platform in platforms]
    whole = [part for part in parts if part]
    if len(whole) < len(platforms):
        raise EngineError(
            Code.BASE_ASSEMBLY(
                f"base 'debian' was removed from {cache_dir()} while it was assembled"
            )
        )
    if len(whole) == 1:
        return whole[0]
    place = place_of(release, platforms, contents)
    with scratch(place.parent, ".assemble-") as work:
        layout = work / "layout"
        digest = compose(layout, ((Layout(part.folder), part.digest) for part in whole))
        known: dict[str, Any] = {
            "digest": digest,
            "manifests": {name: v for part in whole for name, v in part.manifests.items()},
            "packages": {name: v for part in whole for name, v in part.packages.items()},
            "asked": {name: package for part in whole for name, package in part.asked.items()},
            "lacks": {name: lacks for part in whole for name, lacks in part.lacks.items()},
        }
        return DebianBase(store.keep(place, layout, known), **known)


def _host() -> str:
    """Return the platform whose interpreter compiles byte code for all of them."""
    host = host_platform()
    if host not in PLATFORMS:
        raise EngineError(
            Code.BASE_ASSEMBLY(f"base 'debian' is not made on {host}", "use base 'slim'")
        )
    return host


def _image(
    platform: str, tree: Tree, bytecode: Bytecode, release: Release, *, compression: int
) -> PlatformImage:
    entries = dict(tree.entries)
    for name, (source, code) in bytecode.items():
        folder, _, file = name.rpartition("/__pycache__/")
        original = entries.get(f"{folder}/{file.split('.')[0]}.py")
        if original and original.content == source:
            add_file(entries, name, code)
    config = {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Cmd": ["python3"],
    }
    annotations = {"org.opencontainers.image.base.name": f"debian:{release.suite}"}
    return PlatformImage(platform, tuple(entries.values()), config, annotations, compression)
