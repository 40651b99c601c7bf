"""Debian's packages for one architecture, with what their maintainer scripts would make."""

from __future__ import annotations

import contextlib
import subprocess
import tarfile
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.bases.maintainer_scripts import add_file, configure, left_out
from nox_buildkit.bases.mmdebstrap import PackageSource, Selection, download
from nox_buildkit.debian.package_names import installed_names, unknown_name
from nox_buildkit.errors import EngineError
from nox_buildkit.files import remove
from nox_buildkit.oci.image_writer import Entry
from nox_buildkit.run import Programs

#: Unpacked because others depend on them, useless without a package manager.
DROPPED = frozenset({"debconf", "debianutils", "dpkg", "libdebconfclient0", "mawk", "openssl"})


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a base by path, and the version of each Debian package in it.

    ``asked``: what was asked for by name → the package that it is, of a virtual one the provider;
    ``lacks``: a sentence for what its programs will not find.
    """

    entries: dict[str, Entry]
    packages: dict[str, str]
    asked: dict[str, str]
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deb:
    """The control file of a package, and the script that would configure it."""

    control: str
    script: str


def unpack(selection: Selection, source: PackageSource, programs: Programs) -> Tree:
    """Unpack the packages of ``selection`` with what they depend on.

    ``programs``: what runs mmdebstrap, with a folder to use. Raises EngineError.
    """
    tar, debs = download(selection, source, programs)
    packages, architecture = selection.packages, selection.architecture
    dropped, known = _contents(sorted(debs.glob("*/*.deb")), {*packages}, selection.foreign)
    controls = {name: deb.control for name, deb in known.items()}
    asked = installed_names(packages, controls)
    if missing := [name for name in packages if name not in asked]:
        raise EngineError(*(unknown_name(name, str(selection)) for name in missing))
    entries = _entries(tar, dropped)
    tar.unlink()
    remove(debs)
    scripts = {name: deb.script for name, deb in known.items()}
    skeleton = programs.folder / f"{architecture}.skeleton"
    lacks = configure(entries, scripts, architecture, skeleton)
    for name, control in controls.items():
        add_file(entries, f"var/lib/dpkg/status.d/{name}", control.encode())
    return Tree(entries, _versions(controls), asked, lacks)


def is_kept(name: str, asked: Collection[str]) -> bool:
    """Tell whether a base keeps the package ``name``; ``asked``: what was asked for by name."""
    return name not in DROPPED or name in asked


def _versions(controls: Mapping[str, str]) -> dict[str, str]:
    return {
        name: line.removeprefix("Version: ")
        for name, control in controls.items()
        for line in control.splitlines()
        if line.startswith("Version: ")
    }


def _contents(
    debs: Sequence[Path], asked: set[str], foreign: str
) -> tuple[set[str], dict[str, Deb]]:
    """Paths of the dropped packages, and what every package that stays says of itself.

    No two packages own the same file (Debian policy, 7.6.1), so a path says whose it is.
    """
    dropped: set[str] = set()
    packages: dict[str, Deb] = {}
    for path in debs:
        deb = _deb(path)
        name = deb.control.split("\n", 1)[0].removeprefix("Package: ")
        if is_kept(name, asked):
            of_foreign = foreign and f"\nArchitecture: {foreign}\n" in deb.control
            packages[f"{name}:{foreign}" if of_foreign else name] = deb
            continue
        with _tar_of("--fsys-tarfile", path) as tar:
            dropped |= {m.name.removeprefix("./") for m in tar if not m.isdir()}
    # Merged /usr: packages of older releases name /bin/x what the tree has as /usr/bin/x.
    return {form for path in dropped for form in (path, f"usr/{path}")}, packages


def _deb(path: Path) -> Deb:
    with _tar_of("--ctrl-tarfile", path) as tar:
        found = {m.name.removeprefix("./"): tar.extractfile(m) for m in tar if m.isfile()}
        texts = {n: f.read().decode(errors="replace") for n, f in found.items() if f}
    return Deb(texts["control"], texts.get("postinst", ""))


@contextlib.contextmanager
def _tar_of(part: str, deb: Path) -> Iterator[tarfile.TarFile]:
    """A part of a package, which ``dpkg-deb`` names so."""
    with tempfile.TemporaryFile() as stream:
        # Its output may be larger than what is kept in memory.
        subprocess.run(["dpkg-deb", part, deb], stdout=stream, check=True)
        stream.seek(0)
        with tarfile.open(fileobj=stream) as tar:
            yield tar


def _entries(tar: Path, dropped: set[str]) -> dict[str, Entry]:
    entries = {}
    with tarfile.open(tar) as archive:
        for member in archive:
            name = member.name.removeprefix("./").strip("/")
            if not name or name == "." or name in dropped or left_out(name):
                continue
            stream = archive.extractfile(member) if member.isreg() else None
            member.name = name
            if member.islnk():
                member.linkname = member.linkname.removeprefix("./")
            entries[name] = Entry(member, stream.read() if stream else b"")
    return entries
