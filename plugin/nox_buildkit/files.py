"""Files that are never half-written, and folders that only their owner can enter.

Here, and nowhere else, folders are removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from nox_buildkit.errors import Code, EngineError, UsageError
from nox_buildkit.mounts import mounts_below, unmount

#: The end of names of files that are being written; nobody else has such files.
PART = ".nox-buildkit.part"
_MASK = threading.Lock()


def cache_dir() -> Path:
    """The user's cache folder, mode 0700, made on demand; ``NOX_BUILDKIT_CACHE`` names another one.

    By the XDG base directory specification; ``~/Library/Caches`` on macOS where no variable of it
    is set. Without links: paths below it are compared, and those of definitions are relative.
    Raises UsageError for somebody without a home.
    """
    return real_path(private_dir(_cache_path()))


def cache_place() -> Path:
    """The place of the user's cache folder, which need not be there."""
    return real_path(_cache_path())


def _cache_path() -> Path:
    named = os.environ.get("NOX_BUILDKIT_CACHE")
    try:
        return Path(named).expanduser() if named else _system_cache()
    except RuntimeError as error:
        hint = "set NOX_BUILDKIT_CACHE to a folder of yours"
        raise UsageError(Code.ENVIRONMENT(f"there is no cache folder: {error}", hint)) from None


def _system_cache() -> Path:
    # Imported where it is needed: it takes longer than all the rest of this module.
    from platformdirs import user_cache_path  # noqa: PLC0415

    return user_cache_path("nox-buildkit")


def private_dir(path: Path) -> Path:
    """Make ``path`` with mode 0700 where it is missing."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``, which takes its place if the block succeeds.

    :func:`sweep_parts` removes what a killed process leaves.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=PART, dir=path.parent)
    temporary = Path(name)
    try:
        _try_lock(handle)
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(handle)


def sweep_parts(folder: Path) -> None:
    """Remove files of ``folder`` that a process began to write and did not live to finish."""
    for path in folder.glob(f".*{PART}"):
        with contextlib.suppress(OSError), path.open("rb") as part:
            if _try_lock(part.fileno()):
                path.unlink()


def _try_lock(handle: int) -> bool:
    """Lock an open file for as long as this process has it open; False if another one has."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        # Some file systems of networks know no locks, and there nothing is removed.
        return False
    return True


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write all of ``content`` to ``path``, or nothing."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def copy_atomic(source: Path, target: Path) -> None:
    """Copy all of ``source`` to ``target``, or nothing; no more than a block of it is in memory."""
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
        found = source.stat()
        os.utime(temporary, ns=(found.st_atime_ns, found.st_mtime_ns))


def link(source: Path, target: Path) -> None:
    """Let ``target`` be a second name of the file ``source``; copy it where that cannot be.

    One that is so already stays: a new name is a change of the file (ctime, inode(7)).
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(target):
        if os.path.samestat(target.lstat(), source.stat()):
            return
        target.unlink()
    try:
        os.link(source, target)
    except OSError:
        copy_atomic(source, target)


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


def remove(path: Path) -> None:
    """Delete ``path``, which may be missing, and all that is below it; links are not followed.

    Raises EngineError, having deleted nothing, if something is mounted there: what is mounted
    belongs to somebody else.
    """
    if mounted := mounts_below(real_path(path.parent) / path.name):
        raise _mounted(mounted[-1])
    try:
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        _remove_at(parent, path.name, path)
    finally:
        os.close(parent)


def _remove_at(parent: int, name: str, path: Path) -> None:
    """Delete ``name`` in the open folder ``parent``; ``path`` is what it is called in errors."""
    with contextlib.suppress(FileNotFoundError):
        found = os.lstat(name, dir_fd=parent)
        if not stat.S_ISDIR(found.st_mode):
            os.unlink(name, dir_fd=parent)
            return
        # Something may be mounted at this very moment.
        if found.st_dev != os.fstat(parent).st_dev:
            raise _mounted(path)
        folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries]
            for each in names:
                _remove_at(folder, each, path / each)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=parent)


def _mounted(path: Path) -> EngineError:
    hint = f"run `umount {shlex.quote(str(path))}`, and try again"
    return EngineError(Code.FOLDER(f"{path} is mounted", hint))


@contextlib.contextmanager
def scratch(parent: Path, prefix: str) -> Iterator[Path]:
    """Yield a new folder in ``parent``, whose name begins with ``prefix``, and remove it after.

    What a process that was killed left there under the same prefix goes first.
    """
    _sweep(parent, prefix)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(handle, fcntl.LOCK_SH)
        if folder.is_dir():
            break
        # Another process took it for a leftover before it was locked.
        os.close(handle)
    try:
        yield folder
    finally:
        os.close(handle)
        remove(folder)


def _sweep(parent: Path, prefix: str) -> None:
    for leftover in parent.glob(f"{prefix}*"):
        # Somebody works in it, or in what is below it; or another process sweeps as well.
        with contextlib.suppress(OSError):
            handle = os.open(leftover, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                unmount(real_path(leftover))
                remove(leftover)
            finally:
                os.close(handle)


def real_path(path: Path) -> Path:
    """``path``, absolute and without links; in a loop of links, as far as it leads."""
    # Path.resolve raises RuntimeError for a loop before Python 3.13.
    return Path(os.path.realpath(path))


def _umask() -> int:
    # It can be read by changing it alone, and belongs to all threads.
    with _MASK:
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
