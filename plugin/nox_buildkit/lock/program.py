"""The uv program for the machines that build, in the version that locks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from nox_buildkit.errors import LockError
from nox_buildkit.files import cache_dir, locked
from nox_buildkit.lock.uv import run_uv, uv_version

#: uv's statically linked builds run on any base, whatever its libc.
_TARGETS = {
    "linux/amd64": "x86_64-unknown-linux-musl",
    "linux/arm64": "aarch64-unknown-linux-musl",
}


def uv_programs(platforms: Iterable[str]) -> Path:
    """A folder with ``linux-ARCHITECTURE/uv`` for each platform, downloaded once a version.

    It comes from the same index as every other package, checked against the index's hashes.
    Raises LockError.
    """
    folder = cache_dir() / "uv" / uv_version()
    with locked(folder.with_name(f"{folder.name}.lock")):
        for name in platforms:
            platform = "/".join(name.split("/")[:2])
            if platform not in _TARGETS:
                raise LockError(f"there is no uv for a build machine of {name}")
            target = folder / platform.replace("/", "-") / "uv"
            if not target.is_file():
                _download(platform, target)
    return folder


def _download(platform: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        (folder / "uv.in").write_text(f"uv=={uv_version()}\n")
        options = ["--quiet", "--no-config", "--python-platform", _TARGETS[platform]]
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
        shutil.copy(folder / "target" / "bin" / "uv", folder / "uv")
        (folder / "uv").replace(target)
