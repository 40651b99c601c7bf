"""The stand-in for python:X.Y-slim, where no registry is in reach to pull that from.

The same Debian release and the same Python as the ``debian`` base of nox-buildkit, with what the
peers' Dockerfiles ask of python:slim besides: a shell, coreutils, adduser, useradd and pip. Like
the official image it carries no byte code of the standard library (docker-library/python#615),
and nothing marks its Python as externally managed. What the official image has beyond that (apt,
dpkg's data, more of the shell's tools) is left out: that makes the peers smaller, not larger.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.process import BenchError
from nox_buildkit.bases.debian_release import release_for
from nox_buildkit.debian.archive import host_archive
from nox_buildkit.debian.provision import tool
from nox_buildkit.files import cache_dir, locked
from nox_buildkit.oci.image_writer import Entry, PlatformImage, write_images
from nox_buildkit.oci.platform import PLATFORMS

PYTHON = "3.13"

#: Counts changes of what this module makes of the same packages.
RECIPE = 1

PACKAGES = (
    "adduser", "base-files", "base-passwd", "bash", "ca-certificates", "coreutils", "dash", "grep",
    "media-types", "netbase", "passwd", "perl-base", "python-is-python3", "python3", "python3-pip",
    "sed", "tzdata",
)  # fmt: skip

_LEFT_OUT = (
    "boot/", "dev/", "etc/apt/", "usr/share/bash-completion/", "usr/share/bug/",
    "usr/share/debconf/", "usr/share/doc/", "usr/share/info/", "usr/share/lintian/",
    "usr/share/locale/", "usr/share/man/", "usr/share/menu/", "usr/share/perl5/Debconf/",
    "var/cache/", "var/lib/apt/", "var/lib/dpkg/", "var/log/",
)  # fmt: skip

_CA_BUNDLE = "etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True, slots=True)
class SlimBase:
    """``folder`` is an OCI layout, ``digest`` that of its index."""

    folder: Path
    digest: str

    @property
    def context(self) -> str:
        """As a named build context."""
        return f"oci-layout://{self.folder}@{self.digest}"


def slim_base(report: Callable[[str], None]) -> SlimBase:
    """The base for linux/amd64 and linux/arm64, assembled once. Raises NoxBuildkitError."""
    key = hashlib.sha256(json.dumps([RECIPE, PACKAGES]).encode()).hexdigest()[:12]
    folder = cache_dir() / "bench" / f"slim-{PYTHON}-{key}"
    with locked(folder.with_name("slim.lock")):
        if not (folder / "index.json").is_file():
            _assemble(folder, report)
    index = json.loads((folder / "index.json").read_text())
    return SlimBase(folder, index["manifests"][0]["digest"])


def _assemble(folder: Path, report: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".slim-") as name:
        work = Path(name)
        work.chmod(0o755)
        images = []
        for platform in ("linux/amd64", "linux/arm64"):
            architecture = PLATFORMS[platform].debian
            report(f"assembling the stand-in for python:{PYTHON}-slim, {platform}")
            images.append(_image(platform, _entries(_bootstrap(architecture, work))))
        layout = work / "layout"
        layout.mkdir()
        write_images(layout, images)
        for outdated in folder.parent.glob("slim-*"):
            shutil.rmtree(outdated, ignore_errors=True)
        layout.rename(folder)


def _bootstrap(architecture: str, work: Path) -> Path:
    suite = release_for(PYTHON).suite
    archive = host_archive()
    named = archive.signed_by and "\n" not in archive.signed_by
    options = f"[signed-by={archive.signed_by}] " if named else ""
    tar = work / f"{architecture}.tar"
    command = [
        *tool("mmdebstrap"),
        "--variant=extract",
        f"--mode={'root' if os.geteuid() == 0 else 'unshare'}",
        f"--architectures={architecture}",
        f"--include={','.join(PACKAGES)}",
        suite,
        str(tar),
        f"deb {options}{archive.uri} {suite} main",
    ]
    environment = {
        **os.environ, "SOURCE_DATE_EPOCH": "0", "LC_ALL": "C.UTF-8", "TMPDIR": str(work)
    }  # fmt: skip
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=environment
    )
    if done.returncode:
        raise BenchError(f"mmdebstrap failed: {done.stderr.decode(errors='replace')[-500:]}")
    return tar


def _entries(tar: Path) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    with tarfile.open(tar) as archive:
        for member in archive:
            name = member.name.removeprefix("./").strip("/")
            unwanted = name.startswith(_LEFT_OUT) or name.endswith("/EXTERNALLY-MANAGED")
            if not name or name == "." or unwanted:
                continue
            stream = archive.extractfile(member) if member.isreg() else None
            member.name = name
            if member.islnk():
                member.linkname = member.linkname.removeprefix("./")
            entries[name] = Entry(member, stream.read() if stream else b"")
    _configure(entries)
    return entries


def _configure(entries: dict[str, Entry]) -> None:
    """Add what the maintainer scripts that were not run would have made."""
    for name in ("passwd", "group"):
        master = entries[f"usr/share/base-passwd/{name}.master"].content
        _add(entries, f"etc/{name}", master.replace(b":*:", b":x:"))
        users = [line.split(b":")[0] for line in master.splitlines()]
        shadow = "shadow" if name == "passwd" else "gshadow"
        rest = b":*:20000:0:99999:7:::\n" if name == "passwd" else b":*::\n"
        _add(entries, f"etc/{shadow}", b"".join(user + rest for user in users), 0o640)
    certificates = sorted(n for n in entries if n.startswith("usr/share/ca-certificates/"))
    _add(entries, _CA_BUNDLE, b"".join(entries[name].content for name in certificates))
    _link(entries, "usr/lib/ssl/cert.pem", f"/{_CA_BUNDLE}")
    _add(entries, "etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
    _link(entries, "usr/bin/sh", "dash")
    _link(entries, "usr/bin/python3", f"python{PYTHON}")


def _add(entries: dict[str, Entry], name: str, content: bytes, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.mode = mode
    entries[name] = Entry(info, content)


def _link(entries: dict[str, Entry], name: str, target: str) -> None:
    if name not in entries:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
        entries[name] = Entry(info)


def _image(platform: str, entries: dict[str, Entry]) -> PlatformImage:
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return PlatformImage(platform, _with_folders(entries.values()), {"Env": [f"PATH={path}"]})


def _with_folders(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    known = {entry.info.name: entry for entry in entries}
    for name in list(known):
        for parent in Path(name).parents:
            if str(parent) != "." and str(parent) not in known:
                info = tarfile.TarInfo(str(parent))
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                known[str(parent)] = Entry(info)
    return tuple(known.values())
