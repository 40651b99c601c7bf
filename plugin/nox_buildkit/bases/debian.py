"""The ``debian`` base: Python from Debian's archive, assembled without a registry or a daemon.

mmdebstrap downloads, verifies and unpacks the packages and runs no maintainer script (variant
``extract``), as distroless images are made; so any architecture takes seconds on any machine.
What the scripts would have made and a Python process needs is added here: the user database, the
CA bundle, name service configuration, and byte code of the standard library.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nox_buildkit.bases.layout import Entry, PlatformImage, write_layout
from nox_buildkit.errors import EngineError, PlanError, Problem
from nox_buildkit.files import cache_dir, locked

#: Counts changes of what this module makes of the same packages.
RECIPE = 1

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

ARCHITECTURES = {"linux/amd64": "amd64", "linux/arm64": "arm64"}
MACHINES = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}

_LEFT_OUT = (
    "boot/", "dev/", "etc/apt/", "etc/cron.daily/", "etc/dpkg/", "etc/logrotate.d/",
    "usr/share/bash-completion/", "usr/share/bug/", "usr/share/debconf/", "usr/share/info/",
    "usr/share/lintian/", "usr/share/locale/", "usr/share/man/", "usr/share/menu/",
    "usr/share/pixmaps/", "usr/share/applications/", "var/cache/", "var/lib/apt/",
    "var/lib/dpkg/", "var/log/",
)  # fmt: skip

CA_BUNDLE = "etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True, slots=True)
class Release:
    """A Debian release as a base: its Python and the glibc that wheels are chosen against."""

    suite: str
    python: str
    glibc: tuple[int, int]


RELEASES = {
    release.python: release
    for release in (Release("bookworm", "3.11", (2, 36)), Release("trixie", "3.13", (2, 41)))
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where the packages come from: apt source lines of the host with the suite exchanged."""

    lines: tuple[str, ...]
    mmdebstrap: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DebianBase:
    """An assembled base: ``folder`` is an OCI layout, ``digest`` that of its index.

    ``packages``: name and version of every Debian package, by platform.
    """

    folder: Path
    digest: str
    packages: dict[str, dict[str, str]]


def release_for(python: str) -> Release:
    """The release that carries ``python`` (``3.13``). Raises PlanError where none does."""
    if found := RELEASES.get(python):
        return found
    offered = " and ".join(f"{r.python} ({r.suite})" for r in RELEASES.values())
    raise PlanError(
        Problem(
            f"base 'debian' has no Python {python}: Debian carries {offered}",
            "set 'python' to one of these, or use base 'slim'",
        )
    )


def assembled(release: Release, platforms: Iterable[str]) -> DebianBase | None:
    """The base if it was assembled before for all ``platforms``, and is whole."""
    return _read(_folder(release, platforms))


def assemble(
    release: Release,
    platforms: Iterable[str],
    source: Source,
    report: Callable[[str, int, int], None],
    *,
    again: bool = False,
) -> DebianBase:
    """The base for ``platforms`` and the host's own, from the cache or from Debian's archive.

    ``again``: take the newest packages though there is a base already.
    Raises EngineError where packages cannot be downloaded or verified.
    """
    folder = _folder(release, platforms)
    with locked(folder.with_suffix(".lock")):
        if not again and (base := _read(folder)):
            return base
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".assemble-") as name:
            work = Path(name)
            work.chmod(0o755)
            trees = {}
            for platform in sorted({*platforms, host_platform()}):
                report(f"assembling Debian {release.suite} with Python {release.python} for {platform}", 0, 0)
                trees[platform] = _unpack(release, ARCHITECTURES[platform], source, work)
            bytecode = _bytecode(trees[host_platform()], release, work / "host")
            layout = work / "layout"
            layout.mkdir()
            digest = write_layout(
                layout, [_image(platform, tree, bytecode, release) for platform, tree in trees.items()]
            )
            packages = {platform: tree.packages for platform, tree in trees.items()}
            base = DebianBase(folder, digest, packages)
            (layout / "base.json").write_text(json.dumps({**asdict(base), "folder": ""}))
            if folder.exists():
                folder.rename(work / "old")
            layout.rename(folder)
    return base


def host_platform() -> str:
    """The OCI platform of this machine. Raises EngineError where no release is made for it."""
    machine = os.uname().machine
    if found := MACHINES.get(machine):
        return found
    raise EngineError(Problem(f"base 'debian' is not made on {machine}", "use base 'slim'"))


@dataclass(frozen=True, slots=True)
class _Tree:
    entries: dict[str, Entry]
    packages: dict[str, str]


def _folder(release: Release, platforms: Iterable[str]) -> Path:
    key = json.dumps([RECIPE, PACKAGES, sorted({*platforms, host_platform()})])
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    return cache_dir() / "bases" / f"debian-{release.suite}-{digest}"


def _read(folder: Path) -> DebianBase | None:
    try:
        value = json.loads((folder / "base.json").read_text())
        index = folder / "blobs" / "sha256" / value["digest"].removeprefix("sha256:")
        manifests = json.loads(index.read_bytes())["manifests"]
        whole = all(_blobs_whole(folder, manifest) for manifest in manifests)
    except (OSError, ValueError, KeyError):
        return None
    return DebianBase(folder, value["digest"], value["packages"]) if whole else None


def _blobs_whole(folder: Path, descriptor: dict[str, object]) -> bool:
    blob = folder / "blobs" / "sha256" / str(descriptor["digest"]).removeprefix("sha256:")
    content = blob.read_bytes()
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != descriptor["digest"]:
        return False
    if "manifest" not in str(descriptor["mediaType"]):
        return True
    manifest = json.loads(content)
    return all(_blobs_whole(folder, item) for item in (manifest["config"], *manifest["layers"]))


def _unpack(release: Release, architecture: str, source: Source, work: Path) -> _Tree:
    tar, debs = work / f"{architecture}.tar", work / architecture
    debs.mkdir()
    hook = Path(shutil.which(source.mmdebstrap[-1]) or source.mmdebstrap[-1]).resolve()
    usrmerge = hook.parent.parent / "share/mmdebstrap/hooks/merged-usr"
    command = [
        *source.mmdebstrap,
        "--variant=extract",
        f"--mode={'root' if os.geteuid() == 0 else 'unshare'}",
        f"--architectures={architecture}",
        f"--include={','.join(PACKAGES)}",
        *([f"--hook-dir={usrmerge}"] if release.suite == "bookworm" else []),
        f"--extract-hook=copy-out /var/cache/apt/archives {debs}",
        release.suite,
        str(tar),
        *source.lines,
    ]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, "SOURCE_DATE_EPOCH": "0", "LC_ALL": "C.UTF-8", "TMPDIR": str(work)},
    )
    if done.returncode:
        causes = [line[3:] for line in done.stderr.splitlines() if line.startswith("E: ")]
        cause = causes[0] if causes else done.stderr.strip()[-300:]
        raise EngineError(
            Problem(
                f"Debian {release.suite} for {architecture} cannot be assembled: {cause}",
                "check that the Debian mirror of this machine answers ('apt-get update')",
            )
        )
    dropped, packages = _contents(sorted((debs / "archives").glob("*.deb")))
    entries = _entries(tar, dropped)
    tar.unlink()
    shutil.rmtree(debs)
    _add_configuration(entries)
    for name, control in packages.items():
        _add(entries, f"var/lib/dpkg/status.d/{name}", control.encode())
    versions = {
        name: line.removeprefix("Version: ")
        for name, control in packages.items()
        for line in control.splitlines()
        if line.startswith("Version: ")
    }
    return _Tree(entries, versions)


def _contents(debs: Sequence[Path]) -> tuple[set[str], dict[str, str]]:
    """Paths that only dropped packages own, and the control file of every package that stays."""
    dropped: set[str] = set()
    kept: set[str] = set()
    packages: dict[str, str] = {}
    for deb in debs:
        control = subprocess.run(
            ["dpkg-deb", "--field", deb], capture_output=True, text=True, check=True
        ).stdout
        name = control.split("\n", 1)[0].removeprefix("Package: ")
        listing = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], capture_output=True, check=True)
        with tempfile.TemporaryFile() as stream:
            stream.write(listing.stdout)
            stream.seek(0)
            with tarfile.open(fileobj=stream) as tar:
                paths = {m.name.removeprefix("./") for m in tar if not m.isdir()}
        if name in DROPPED:
            dropped |= paths
        else:
            kept |= paths
            packages[name] = control
    # Merged /usr: packages of older releases name /bin/x what the tree has as /usr/bin/x.
    return {form for path in dropped - kept for form in (path, f"usr/{path}")}, packages


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
    return name.startswith(_LEFT_OUT)


def _add(entries: dict[str, Entry], name: str, content: bytes, mode: int = 0o644) -> None:
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
        master = entries[f"usr/share/base-passwd/{name}.master"].content
        # base-passwd's placeholder means "no password"; * says that none will ever match.
        _add(entries, f"etc/{name}", master.replace(b":*:", b":x:") if name == "passwd" else master)
    certificates = sorted(
        name for name in entries if name.startswith("usr/share/ca-certificates/") and name.endswith(".crt")
    )
    _add(entries, CA_BUNDLE, b"".join(entries[name].content for name in certificates))
    # The file that Debian's OpenSSL, and so Python's ssl, looks for when no variable names another.
    _add_link(entries, "usr/lib/ssl/cert.pem", f"/{CA_BUNDLE}")
    _add(entries, "etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
    if "etc/localtime" not in entries:
        _add_link(entries, "etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
    for name in ("usr/bin/sh", "usr/bin/python3"):
        if name not in entries:
            _add_link(entries, name, "dash" if name.endswith("sh") else "python3")


def _bytecode(tree: _Tree, release: Release, root: Path) -> dict[str, tuple[bytes, bytes]]:
    """Compile the standard library: .pyc path → (source, byte code).

    Byte code does not depend on the processor, so the host's interpreter does it for all. The
    interpreter is run in place through its own loader: no chroot, no root.
    """
    _write_out(tree, root)
    library = f"usr/lib/python{release.python}"
    loader = next(iter(sorted(root.glob("usr/lib*/**/ld-linux*.so.*"))))
    libraries = loader.parent if loader.parent.name != "lib64" else next(root.glob("usr/lib/*-linux-gnu"))
    command = [
        str(loader), "--library-path", f"{libraries}:{root}/usr/lib",
        str(root / f"usr/bin/python{release.python}"), "-I", "-S", "-m", "compileall", "-q",
        "--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", "/", str(root / library),
    ]  # fmt: skip
    environment = {"PYTHONHOME": str(root / "usr"), "PATH": os.defpath}
    command[command.index("-I")] = "-s"
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        raise EngineError(f"the standard library of Python {release.python} cannot be compiled: "
                          f"{(done.stdout + done.stderr).strip()[-300:]}")  # fmt: skip
    compiled = {}
    for path in (root / library).rglob("__pycache__/*.pyc"):
        source = path.parent.parent / f"{path.name.split('.')[0]}.py"
        compiled[str(path.relative_to(root))] = (source.read_bytes(), path.read_bytes())
    return compiled


def _write_out(tree: _Tree, root: Path) -> None:
    """Unpack what the interpreter needs: regular files, folders and relative links of /usr/lib, /usr/bin."""
    for name, entry in sorted(tree.entries.items()):
        path = root / name
        if not name.startswith(("usr/lib", "usr/bin")) or entry.info.isdir():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.info.issym():
            target = entry.info.linkname
            path.symlink_to(root / target.lstrip("/") if target.startswith("/") else target)
        elif entry.info.islnk():
            path.hardlink_to(root / entry.info.linkname)
        else:
            path.write_bytes(entry.content)
            path.chmod(0o755)


def _image(
    platform: str, tree: _Tree, bytecode: dict[str, tuple[bytes, bytes]], release: Release
) -> PlatformImage:
    entries = dict(tree.entries)
    for name, (source, code) in bytecode.items():
        folder, _, file = name.rpartition("/__pycache__/")
        original = entries.get(f"{folder}/{file.split('.')[0]}.py")
        if original and original.content == source:
            _add(entries, name, code)
    config = {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Cmd": ["python3"],
    }
    annotations = {"org.opencontainers.image.base.name": f"debian:{release.suite}"}
    return PlatformImage(platform, tuple(entries.values()), config, annotations)


if __name__ == "__main__":
    sys.exit("import this module")
