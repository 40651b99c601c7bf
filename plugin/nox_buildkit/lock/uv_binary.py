"""The uv program for the machines that build, in the version that locks."""

from __future__ import annotations

import hashlib
import io
import shutil
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

from nox_buildkit.cache_entries import drop, is_whole, seal
from nox_buildkit.errors import Code, LockError
from nox_buildkit.files import cache_dir, locked, scratch
from nox_buildkit.lock.uv import run_uv, uv_version
from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.printable import redacted

#: Rows of the table by the two parts of a name that BuildKit's BUILDARCH has.
_BUILDS = {f"linux/{row.architecture}": row for row in PLATFORMS.values()}


def uv_programs(platforms: Iterable[str]) -> Path:
    """A folder with ``linux-ARCHITECTURE/uv`` for each platform, downloaded once a version.

    It comes from the same index as every other package, checked against the index's hashes.
    Raises LockError.
    """
    folder = cache_dir() / "uv" / uv_version()
    with locked(folder.with_name(f"{folder.name}.lock")):
        for name in platforms:
            platform = "/".join(name.split("/")[:2])
            if platform not in _BUILDS:
                raise LockError(Code.DOWNLOAD(f"there is no uv for a build machine of {name}"))
            _provide(platform, folder / platform.replace("/", "-"))
    return folder


def _provide(platform: str, target: Path) -> None:
    """Make the folder ``target`` with uv for ``platform``, unless it is there and whole."""
    # Not beside it: builds have the folder of all platforms as a context.
    sealed = target.parent.with_name(f"{target.parent.name}.{target.name}.sealed")
    if is_whole(target, sealed):
        return
    if target.exists():
        drop(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with scratch(target.parent.parent, ".part-") as folder:
        made = folder / "made"
        made.mkdir()
        (_install if _BUILDS[platform].uv_target else _fetch)(platform, folder, made / "uv")
        seal(made, sealed)
        made.rename(target)


def _install(platform: str, folder: Path, target: Path) -> None:
    (folder / "uv.in").write_text(f"uv=={uv_version()}\n")
    options = ["--quiet", "--no-config", "--python-platform", _BUILDS[platform].uv_target]
    run_uv(
        ["pip", "compile", *options, "--generate-hashes", "uv.in", "--output-file", "uv.txt"],
        cwd=folder,
    )
    run_uv(
        [
            "pip", "install", *options, "--require-hashes", "--only-binary", ":all:",
            "--target", folder / "target", "--requirements", "uv.txt",
        ],
        cwd=folder,
    )  # fmt: skip
    shutil.copy(folder / "target" / "bin" / "uv", target)


def _fetch(platform: str, folder: Path, target: Path) -> None:
    """Take the program out of its wheel; a private index has to hand it out without credentials."""
    (folder / "uv.in").write_text(f"uv=={uv_version()}\n")
    options = ["--quiet", "--no-config", "--universal", "--generate-hashes"]
    output = ["--format", "pylock.toml", "--output-file", "pylock.toml"]
    run_uv(["pip", "compile", *options, *output, "uv.in"], cwd=folder)
    (package,) = tomllib.loads((folder / "pylock.toml").read_text())["packages"]
    wheels = [
        w for w in package["wheels"] if w["url"].endswith(f"{_BUILDS[platform].uv_wheel}.whl")
    ]
    if not wheels:
        raise LockError(Code.DOWNLOAD(f"uv {uv_version()} has no wheel for {platform}"))
    content = _downloaded(wheels[0]["url"])
    if hashlib.sha256(content).hexdigest() != wheels[0]["hashes"]["sha256"]:
        raise LockError(
            Code.DOWNLOAD(f"the wheel of uv for {platform} is not the one that the index states")
        )
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        (program,) = [n for n in wheel.namelist() if n.endswith(".data/scripts/uv")]
        target.write_bytes(wheel.read(program))
    target.chmod(0o755)


def _downloaded(url: str) -> bytes:
    import urllib.request  # noqa: PLC0415 - once a version of uv

    try:
        with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310  the index's own
            content: bytes = response.read()
            return content
    except OSError as error:
        raise LockError(Code.DOWNLOAD(f"{redacted(url)}: {error}")) from None
