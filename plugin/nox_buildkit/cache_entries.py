"""Cache entries that are proved before they are used: what was cut or altered is made anew.

A file carries the digest of its content; a folder has a seal beside it, with the digest of each of
its files. Either is no protection from somebody who means harm: the cache belongs to one user.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import time
from pathlib import Path
from typing import Any

from nox_buildkit.files import remove, write_atomic


def read_cached(path: Path) -> Any:
    """The JSON value that ``write_cached`` wrote to ``path``.

    None if there is none, or if it is not whole: then it is dropped, and a line says so.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        content = b""
    digest, _, body = content.partition(b"\n")
    if digest != _digest(body):
        drop(path)
        return None
    return json.loads(body)


def write_cached(path: Path, value: object) -> None:
    """Write a JSON value with its digest to ``path``."""
    body = json.dumps(value).encode()
    write_atomic(path, _digest(body) + b"\n" + body)


def drop(path: Path) -> None:
    """Remove a damaged file or folder of the cache, and say so."""
    print(f"{path} was damaged: it is made anew", file=sys.stderr)
    remove(path)


def _digest(body: bytes) -> bytes:
    return f"sha256:{hashlib.sha256(body).hexdigest()}".encode()


def seal(folder: Path, place: Path) -> None:
    """Write down what is in ``folder``, which has or gets its name by a rename, to ``place``."""
    found = _files(folder)
    write_cached(place, {name: [stamp(path.lstat()), _content(path)] for name, path in found})


def is_whole(folder: Path, place: Path) -> bool:
    """Tell whether ``folder`` is there and is as it was when ``seal`` was called.

    A file whose size, times and number did not change was not written to since; others are read.
    """
    if not folder.is_dir() or (sealed := read_cached(place)) is None:
        return False
    found = dict(_files(folder))
    if found.keys() != sealed.keys():
        return False
    stamps = {name: stamp(path.lstat()) for name, path in found.items()}
    changed = [name for name, (sealed_stamp, _) in sealed.items() if stamps[name] != sealed_stamp]
    if any(_content(found[name]) != sealed[name][1] for name in changed):
        return False
    if changed:
        # Copied or restored, as a CI does with its caches: it need not be read again.
        write_cached(place, {name: [stamps[name], sealed[name][1]] for name in sealed})
    return True


def _files(folder: Path) -> list[tuple[str, Path]]:
    found = []
    for top, folders, names in os.walk(folder):
        links = [name for name in folders if Path(top, name).is_symlink()]
        found += [Path(top, name) for name in (*names, *links)]
    return sorted((str(path.relative_to(folder)), path) for path in found)


def stamp(status: os.stat_result) -> list[int]:
    """Return what changes whenever a file is written to."""
    # The time of change cannot be set by a program, as that of modification can.
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


#: Ticks of the clocks of file systems in nanoseconds, with a reserve. FAT has one of 2 s, and times
#: of whole seconds; others have one of 10 ms at most.
_COARSE, _FINE = 2_000_000_000, 100_000_000


def is_settled(*times: int) -> bool:
    """Tell whether a file with these ``times`` (nanoseconds) would have others after a change now.

    Two changes in one tick of a clock have one time (git, racy-git.txt).
    """
    newest = max(times)
    tick = _FINE if newest % 1_000_000_000 else _COARSE
    return newest < time.time_ns() - tick


def _content(path: Path) -> str:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return f"link {path.readlink()}"
    if not stat.S_ISREG(found.st_mode):
        return "special"
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return f"{stat.S_IMODE(found.st_mode):o} {digest}"
