"""A docker client configuration folder of our own that borrows the user's, copying nothing.

Registry credentials and contexts are links to the user's files, so that a login made later, or
taken back, counts here too.
"""

from __future__ import annotations

import os
from pathlib import Path

from nox_buildkit.files import private_dir

CREDENTIALS = ("config.json", "contexts")


def user_config() -> Path:
    """The user's docker configuration folder (DOCKER_CONFIG, else ~/.docker)."""
    return Path(os.environ.get("DOCKER_CONFIG") or "~/.docker").expanduser().absolute()


def borrow(folder: Path, buildx: Path, names: tuple[str, ...] = CREDENTIALS) -> Path:
    """Make ``folder`` a configuration with ``buildx`` as its plugin and the user's ``names``."""
    plugins = private_dir(private_dir(folder) / "cli-plugins")
    _link(plugins / "docker-buildx", buildx)
    user = user_config()
    # DOCKER_CONFIG is this folder where the user works inside `nox -s engine -- env`.
    if user.resolve() != folder.resolve():
        for name in names:
            _link(folder / name, user / name)
    return folder


def _link(link: Path, target: Path) -> None:
    """Point ``link`` at ``target``; a real file in its place is a login made here, and stays."""
    if link.exists() and not link.is_symlink():
        return
    if not target.exists():
        link.unlink(missing_ok=True)
        return
    if link.is_symlink() and link.readlink() == target:
        return
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)
