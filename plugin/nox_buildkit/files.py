"""Files that are never half-written, and folders that only their owner can enter."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path


def cache_dir() -> Path:
    """The user's cache folder (XDG base directory specification), mode 0700, made on demand.

    ``NOX_BUILDKIT_CACHE`` names another one.
    """
    named = os.environ.get("NOX_BUILDKIT_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return private_dir(Path(named or f"{base}/nox-buildkit").expanduser().absolute())


def private_dir(path: Path) -> Path:
    """Make ``path`` with mode 0700 where it is missing."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``, which takes its place if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write all of ``content`` to ``path``, or nothing."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` (flock: released by the kernel if the process dies).

    ``waiting`` is called once if another process holds it.
    """
    private_dir(path.parent)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def real_path(path: Path) -> Path:
    """``path``, absolute and without links; in a loop of links, as far as it leads."""
    # Path.resolve raises RuntimeError for a loop before Python 3.13.
    return Path(os.path.realpath(path))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def copy_folder(source: Path, target: Path) -> None:
    """Copy the regular files below ``source`` to ``target``; files that are there already stay."""
    for path in sorted(source.rglob("*")):
        copied = target / path.relative_to(source)
        if path.is_file() and not copied.exists():
            with replacing(copied) as temporary:
                shutil.copyfile(path, temporary)
            copied.chmod(path.stat().st_mode & 0o777)
