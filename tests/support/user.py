"""A user as most machines have one: without root, in the group that may use dockerd."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nox_buildkit
from nox_buildkit.engine.private.binaries import Binaries

#: Nobody's numbers; the group is that of the socket.
USER, GROUP = 54321, 54322


@dataclass(frozen=True, slots=True)
class PlainUser:
    """``home``: a folder that everybody can enter; ``env``: what a shell of the user has."""

    home: Path
    env: dict[str, str]
    uid: int = USER

    @property
    def python(self) -> tuple[str, ...]:
        """The start of a command line that runs Python as this user."""
        return (str(self.home / "python"),)

    def docker(self, *arguments: str) -> str:
        """Run docker as this user; return what it prints."""
        return self._run(str(self.home / "as-user"), "docker", *arguments)

    def execute(self, program: str) -> str:
        """Run a program in Python as this user; return what it prints."""
        return self._run(*self.python, "-c", program)

    def _run(self, *command: str) -> str:
        env = {**os.environ, **self.env}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def own(self, folder: Path) -> None:
        """Give the user all that is below ``folder``."""
        for path in (folder, *folder.rglob("*")):
            os.chown(path, USER, USER, follow_symlinks=False)


@contextmanager
def plain_user(binaries: Binaries) -> Iterator[PlainUser]:
    """Make a user with a docker client, and with the Python and the packages of the tests.

    What of these only root can enter is where it is for this user, too, in a mount namespace.
    """
    home = Path(tempfile.mkdtemp(prefix="nbkhome"))
    home.chmod(0o755)
    needed = (
        Path(sys.base_prefix),
        Path(sys.prefix),
        Path(nox_buildkit.__file__).parents[1],
        binaries.prefix / "usr",
    )
    _script(
        home / "mounted",
        *("set -e", *_mounts(needed, home / "mounts")),
        f"exec setpriv --reuid={USER} --regid={USER} --groups={GROUP} --inh-caps=-all "
        '--bounding-set=-all --no-new-privs -- "$@"',
    )
    _script(home / "as-user", f'exec unshare --mount {home}/mounted "$@"')
    _script(home / "python", f'exec {home}/as-user {shlex.quote(sys.executable)} "$@"')
    (home / ".docker/cli-plugins").mkdir(parents=True)
    (home / ".docker/cli-plugins/docker-buildx").symlink_to(binaries.buildx)
    (home / "tmp").mkdir()
    env = {
        "HOME": str(home),
        "USER": "plain",
        "PATH": f"{binaries.docker.parent}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(Path(nox_buildkit.__file__).parents[1]),
        "NOX_BUILDKIT_CACHE": str(home / "cache"),
        "UV_CACHE_DIR": str(home / "uv"),
        "DOCKER_CONFIG": str(home / ".docker"),
        "TMPDIR": str(home / "tmp"),
    }
    user = PlainUser(home, env)
    user.own(home)
    try:
        yield user
    finally:
        shutil.rmtree(home)


def _mounts(folders: Iterable[Path], place: Path) -> Iterator[str]:
    """Commands that make ``folders`` ways in: each closed folder above one becomes an empty one."""
    closed: dict[Path, list[tuple[Path, Path]]] = {}
    for number, folder in enumerate(sorted(set(folders))):
        barred = next((p for p in reversed(folder.parents) if not p.stat().st_mode & 1), None)
        if barred:
            kept = place / str(number)
            kept.mkdir(parents=True)
            closed.setdefault(barred, []).append((folder, kept))
            yield shlex.join(["mount", "--bind", str(folder), str(kept)])
    for barred, inside in closed.items():
        yield shlex.join(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(barred)])
        for folder, kept in inside:
            yield shlex.join(["mkdir", "-p", str(folder)])
            yield shlex.join(["mount", "--bind", str(kept), str(folder)])


def _script(path: Path, *lines: str) -> None:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
