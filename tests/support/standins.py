"""Stand-ins for images of public registries: the same paths, users, entrypoints and gaps.

They are made of Debian's packages (base ``debian``) and pushed to a registry of the tests, where
``mirrors`` finds them under the names that the real ones have.
"""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nox_buildkit.bases.assembled_bases import PACKAGES, BaseContents, assembled
from nox_buildkit.bases.debian_release import release_for
from nox_buildkit.bases.mmdebstrap import PackageSource, Selection
from nox_buildkit.bases.unpack import unpack
from nox_buildkit.debian.archive import host_archive
from nox_buildkit.debian.provision import tool
from nox_buildkit.facts.base_images import PLAIN
from nox_buildkit.oci.image_writer import Entry, PlatformImage, write_images
from nox_buildkit.progress import SILENT
from nox_buildkit.run import Programs
from tests.support.real_parts import free_port

PLATFORMS = ("linux/amd64", "linux/arm64")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Files = dict[str, Entry]


@dataclass(frozen=True, slots=True)
class StandIn:
    """An image to push: how its files differ from those of base ``debian``, and its config.

    ``contents``: what that base has been assembled with.
    """

    repository: str
    change: Callable[[Files], None]
    config: Mapping[str, Any]
    contents: BaseContents = PLAIN


#: As the tests of base ``debian`` have it assembled, too.
COMPILERS = BaseContents(("libyaml-0-2", "libyaml-dev"), compilers=True)


def official(files: Files, python: str = "python3.13") -> None:
    """Docker's ``python``: the interpreter and its library below /usr/local, with pip."""
    folders = (f"usr/lib/{python}/", f"usr/include/{python}/", "usr/bin/py")
    for name in [name for name in files if name.startswith(folders)]:
        entry = files.pop(name)
        moved = name.replace("usr/", "usr/local/", 1)
        if not name.startswith("usr/bin/py") or name == f"usr/bin/{python}":
            place(files, moved, entry)
    for name in ("python3", "python"):
        link(files, f"usr/local/bin/{name}", python)
    write(files, f"usr/local/lib/{python}/site-packages/pip/__init__.py", b"")


def without_shell(files: Files) -> None:
    """As distroless images are: the interpreter is the only program."""
    for name in [name for name in files if name.startswith("usr/bin/") and "python" not in name]:
        del files[name]
    for name in ("etc/passwd", "etc/group"):
        line = b"nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"
        write(files, name, files[name].content + line)


def unchanged(_files: Files) -> None:
    """Debian with Debian's Python."""


def debug(files: Files) -> None:
    """Distroless with a shell that is nowhere but in /busybox."""
    shell = files["usr/bin/dash"]
    without_shell(files)
    place(files, "busybox/sh", shell)


def wolfi(files: Files) -> None:
    """Another distribution with glibc."""
    write(files, "usr/lib/os-release", b'ID=wolfi\nNAME="Wolfi"\nVERSION_ID="20230201"\n')


def chainguard(files: Files) -> None:
    wolfi(files)
    without_shell(files)


def unsupported(files: Files) -> None:
    """The official image on a release that gets no updates any more."""
    official(files)
    write(files, "usr/lib/os-release", b'ID=debian\nVERSION_ID="10"\n')


def without_python(files: Files) -> None:
    for name in [name for name in files if "python" in name]:
        del files[name]


def _config(**values: Any) -> dict[str, Any]:
    return {"Env": [f"PATH={PATH}"], **values}


#: Where the command of the image "server" listens.
SERVER_PORT = free_port()

STAND_INS = {
    "python:3.13-slim": StandIn("library/python", official, _config(Cmd=["python3"])),
    "python:3.13": StandIn("library/python", official, _config(Cmd=["python3"])),
    "python:3.13-trixie": StandIn("library/python", official, _config(Cmd=["python3"]), COMPILERS),
    "python:3.13-slim-trixie": StandIn("library/python", official, _config(Cmd=["python3"])),
    "python:3.13-slim-buster": StandIn("library/python", unsupported, _config(Cmd=["python3"])),
    "debian:trixie-slim": StandIn("library/debian", without_python, _config(Cmd=["bash"])),
    "server:latest": StandIn(
        "library/server",
        official,
        _config(Cmd=["python3", "-m", "app", str(SERVER_PORT)], WorkingDir="/app"),
    ),
    "python3-debian13:latest": StandIn(
        "distroless/python3-debian13", without_shell, _config(Entrypoint=["/usr/bin/python3.13"])
    ),
    "python3-debian13:debug": StandIn(
        "distroless/python3-debian13", debug, _config(Entrypoint=["/usr/bin/python3.13"])
    ),
    "python:3.13-debian13": StandIn(
        "python", without_shell, _config(Cmd=["python3"], User="65532")
    ),
    "python:3.13-debian13-dev": StandIn("python", unchanged, _config(Cmd=["python3"], User="0")),
    "python:latest": StandIn(
        "chainguard/python", chainguard, _config(Entrypoint=["/usr/bin/python"], User="65532")
    ),
    "python:latest-dev": StandIn(
        "chainguard/python", wolfi, _config(Entrypoint=["/usr/bin/python"], User="65532")
    ),
}


def write(files: Files, name: str, content: bytes) -> None:
    """Put a file into an image, with the folders on its way."""
    place(files, name, Entry(tarfile.TarInfo(name), content))


def link(files: Files, name: str, target: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    place(files, name, Entry(info))


def place(files: Files, name: str, entry: Entry) -> None:
    parts = name.split("/")
    for depth in range(1, len(parts)):
        folder = "/".join(parts[:depth])
        if folder not in files:
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            files[folder] = Entry(info)
    entry.info.name = name
    files[name] = entry


def push(address: str, skopeo: Path, folder: Path, names: Mapping[str, StandIn]) -> None:
    """Push the stand-ins ``names`` (tags of repositories) to the registry at ``address``."""
    layouts: dict[str, Path] = {}
    for name, standin in names.items():
        same = f"{standin.change.__name__} {standin.config} {standin.contents}"
        layout = layouts.get(same)
        if layout is None:
            layout = layouts[same] = Path(tempfile.mkdtemp(dir=folder))
            write_images(layout, [_image(platform, standin) for platform in PLATFORMS])
        _copy(address, skopeo, layout, f"{standin.repository}:{name.partition(':')[2]}")


def push_for_arm(address: str, skopeo: Path, folder: Path) -> None:
    """Push an official image for linux/amd64 and linux/arm/v7, as ``python:3.11-slim-arm``."""
    archive = host_archive()
    work = Path(tempfile.mkdtemp(dir=folder))
    work.chmod(0o755)
    options = f"[signed-by={archive.signed_by}] " if archive.signed_by else ""
    source = PackageSource(
        (f"deb {options}{archive.uri} bookworm main",), tool("mmdebstrap", SILENT)
    )
    standin = STAND_INS["python:3.13-slim"]
    images = []
    for platform, architecture in (("linux/amd64", "amd64"), ("linux/arm/v7", "armhf")):
        with Programs(work, 600) as programs:
            selection = Selection("bookworm", architecture, tuple(PACKAGES))
            files = unpack(selection, source, programs).entries
        official(files, "python3.11")
        entries = tuple(files.values())
        images.append(PlatformImage(platform, entries, standin.config, compression=0))
    layout = Path(tempfile.mkdtemp(dir=folder))
    write_images(layout, images)
    _copy(address, skopeo, layout, f"{standin.repository}:3.11-slim-arm")


def push_with_apt(address: str, skopeo: Path, folder: Path) -> None:
    """Push a Debian for linux/amd64 with Python and apt-get, as ``python:3.13-apt``."""
    archive = host_archive()
    options = f"[signed-by={archive.signed_by}] " if archive.signed_by else ""
    tar = Path(tempfile.mkdtemp(dir=folder)) / "root.tar"
    # It mounts /proc and /sys of the host: a run that is killed must not leave them mounted.
    program = ("unshare", "--mount", *tool("mmdebstrap", SILENT))
    command = [*program, "--quiet", "--variant=apt", "--architectures=amd64"]
    lines = f"deb {options}{archive.uri} trixie main\n"
    include = "--include=ca-certificates,python-is-python3"
    subprocess.run([*command, include, "trixie", tar, "-"], input=lines.encode(), check=True)
    with tarfile.open(tar) as root:
        files = {}
        for member in root:
            member.name = member.name.removeprefix("./").rstrip("/")
            if member.name not in ("", ".") and not member.isdev():
                content = root.extractfile(member) if member.isreg() else None
                files[member.name] = Entry(member, content.read() if content else b"")
    layout = Path(tempfile.mkdtemp(dir=folder))
    config = _config(Cmd=["bash"])
    image = PlatformImage("linux/amd64", tuple(files.values()), config, compression=0)
    write_images(layout, [image])
    _copy(address, skopeo, layout, "library/python:3.13-apt")


def _copy(address: str, skopeo: Path, layout: Path, name: str) -> None:
    options = ("--quiet", "--all", "--dest-tls-verify=false")
    places = (f"oci:{layout}", f"docker://{address}/{name}")
    subprocess.run([skopeo, "copy", *options, *places], check=True)


def _image(platform: str, standin: StandIn) -> PlatformImage:
    files = debian_files(platform, standin.contents)
    standin.change(files)
    return PlatformImage(platform, tuple(files.values()), standin.config, compression=0)


def debian_files(platform: str, contents: BaseContents) -> Files:
    """The files of base ``debian``, which must have been assembled."""
    base = assembled(release_for("3.13"), PLATFORMS, contents)
    assert base
    blobs = base.folder / "blobs" / "sha256"

    def read(descriptor: Mapping[str, Any]) -> bytes:
        return Path(blobs, str(descriptor["digest"]).removeprefix("sha256:")).read_bytes()

    index = json.loads(read({"digest": base.digest}))
    architecture = platform.partition("/")[2]
    (image,) = (m for m in index["manifests"] if m["platform"]["architecture"] == architecture)
    layer = gzip.decompress(read(json.loads(read(image))["layers"][0]))
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        return {
            member.name: Entry(member, stream.read() if (stream := _stream(tar, member)) else b"")
            for member in tar
        }


def _stream(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Any:
    return tar.extractfile(member) if member.isreg() else None


def push_files(
    address: str, skopeo: Path, folder: Path, name: str, files: Mapping[str, Files]
) -> None:
    """Push an image that has nothing but ``files``, by platform, to the registry at ``address``."""
    layout = Path(tempfile.mkdtemp(dir=folder))
    images = [
        PlatformImage(platform, tuple(entries.values()), {}, compression=0)
        for platform, entries in files.items()
    ]
    write_images(layout, images)
    _copy(address, skopeo, layout, name)
