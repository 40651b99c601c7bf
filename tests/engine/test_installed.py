"""Base ``debian`` beside a Debian in which the same packages are really installed, scripts and all.

The packages are those that Python applications ask for; ``nox -s installed`` takes all of them.
"""

from __future__ import annotations

import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from nox_buildkit.bases.assembled_bases import PACKAGES
from nox_buildkit.bases.linker_cache import CACHE
from nox_buildkit.bases.mmdebstrap import PackageSource, Selection
from nox_buildkit.bases.unpack import unpack
from nox_buildkit.debian.archive import host_archive
from nox_buildkit.debian.provision import tool
from nox_buildkit.progress import SILENT
from nox_buildkit.run import Programs

#: With alternatives of every kind but Java's, which alone are as large as the rest.
SOME = (
    "gawk", "libcairo2", "libgl1", "liblapack3", "libldap2", "libmagic1t64", "libmariadb3",
    "libpq5", "libxmlsec1-openssl", "netcat-openbsd", "unixodbc",
)  # fmt: skip
MORE = (
    "ffmpeg", "g++", "gdal-bin", "gettext", "ghostscript", "git", "graphviz", "imagemagick",
    "libgeos-c1t64", "libglib2.0-0t64", "libgomp1", "libharfbuzz-subset0", "libhdf5-310",
    "libjemalloc2", "libodbc2", "libopenblas0-pthread", "libopenmpi40", "libpango-1.0-0",
    "libpangoft2-1.0-0", "libportaudio2", "libproj25", "librdkafka1", "libsnappy1v5",
    "libsndfile1", "libsodium23", "libspatialindex8", "libusb-1.0-0", "libvips42t64", "libxml2",
    "libxslt1.1", "libzbar0", "libzmq5", "nodejs", "openjdk-21-jre-headless", "openmpi-bin",
    "openssh-client", "poppler-utils", "postgresql-client", "tesseract-ocr",
)  # fmt: skip
NAMES = (*SOME, *MORE) if os.environ.get("NOX_BUILDKIT_INSTALL_ALL") else SOME


@dataclass(frozen=True)
class Installed:
    """What is compared: paths, targets of links, and the lines of ``ldconfig -p``."""

    paths: frozenset[str]
    links: dict[str, str]
    libraries: frozenset[str]

    @property
    def alternatives(self) -> dict[str, str]:
        """Links that update-alternatives made, but those of manuals, which no image has."""
        return {
            path: target
            for path, target in self.links.items()
            if (path.startswith("etc/alternatives/") or target.startswith("/etc/alternatives/"))
            and not (path.endswith(".gz") or target.endswith(".gz"))
        }


@pytest.fixture(scope="module")
def source() -> PackageSource:
    archive = host_archive()
    options = f"[signed-by={archive.signed_by}] " if archive.signed_by else ""
    return PackageSource((f"deb {options}{archive.uri} trixie main",), tool("mmdebstrap", SILENT))


@pytest.fixture(scope="module")
def ours(source: PackageSource, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    with Programs(tmp_path_factory.mktemp("unpacked"), 600) as programs:
        tree = unpack(Selection("trixie", "amd64", (*PACKAGES, *NAMES)), source, programs)
    assert not tree.lacks
    links = {n: e.info.linkname for n, e in tree.entries.items() if e.info.issym()}
    cache = tmp_path_factory.mktemp("cache") / "ld.so.cache"
    cache.write_bytes(tree.entries[CACHE].content)
    return Installed(frozenset(tree.entries), links, _listed(cache))


@pytest.fixture(scope="module")
def real(source: PackageSource, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    command = [
        *("unshare", "--mount", *source.mmdebstrap, "--quiet", "--variant=apt"),
        f"--include={','.join((*PACKAGES, *NAMES))}",
        *("--architectures=amd64", "trixie", str(folder / "root.tar"), "-"),
    ]
    subprocess.run(command, input="\n".join(source.lines).encode(), check=True)
    with tarfile.open(folder / "root.tar") as tar:
        members = {member.name.removeprefix("./"): member for member in tar}
        stream = tar.extractfile(members[CACHE])
        assert stream
        (folder / "ld.so.cache").write_bytes(stream.read())
    (folder / "root.tar").unlink()
    links = {name: member.linkname for name, member in members.items() if member.issym()}
    return Installed(frozenset(members), links, _listed(folder / "ld.so.cache"))


def _listed(cache: Path) -> frozenset[str]:
    """What is in a cache of the dynamic linker, in glibc's own words."""
    command = ["/sbin/ldconfig", "-p", "-C", str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()[1:]
    return frozenset(line.strip() for line in lines if "=>" in line)


def test_libraries_are_found_where_they_are_in_an_installed_system(
    ours: Installed, real: Installed
) -> None:
    assert len(ours.libraries) > 100
    assert ours.libraries <= real.libraries
    # An installed system has more packages; of those that both have, it finds no library more.
    more = {line.rpartition(" => ")[2] for line in real.libraries - ours.libraries}
    assert {path for path in more if f"usr{path}" in ours.paths} == set()


def test_alternatives_lead_where_they_lead_in_an_installed_system(
    ours: Installed, real: Installed
) -> None:
    assert ours.alternatives["etc/alternatives/liblapack.so.3-x86_64-linux-gnu"]
    assert ours.alternatives["usr/bin/nc"] == "/etc/alternatives/nc"
    assert ours.alternatives["etc/mysql/my.cnf"] == "/etc/alternatives/my.cnf"
    # An installed system has essential packages that an image can lack, with their alternatives.
    essential = {"/which": "usr/bin/which.debianutils", "/pager": "usr/bin/more"}
    lacking = tuple(name for name, program in essential.items() if program not in ours.paths)
    expected = {p: t for p, t in real.alternatives.items() if not p.endswith(lacking)}
    assert ours.alternatives == expected
    print(f"{len(NAMES)} packages: {len(ours.alternatives)} links, {len(ours.libraries)} libraries")
