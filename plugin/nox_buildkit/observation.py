"""Looks on while a run asks for files, folders and answers of programs, and prints.

Python tells who opens and lists files (PEP 578); that their status is asked for it does not tell,
so those functions of ``os`` are replaced for as long as somebody observes.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TextIO, cast

#: How a path was looked at: what it leads to, the link itself, or the names in a folder.
How = Literal["status", "link", "names"]

#: What is another one when somebody has written to a file.
Stamp = tuple[int, ...]

#: Calls that look at a path which is their first argument; Python tells of the others.
_CALLS: Mapping[str, Callable[..., Any]] = {
    "stat": os.stat, "lstat": os.lstat, "access": os.access, "readlink": os.readlink
}  # fmt: skip
_LINKS = ("lstat", "readlink")
_EVENTS: Mapping[str, How] = {"open": "status", "os.listdir": "names", "os.scandir": "names"}
_NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.sendto")
_HEARD = frozenset({*_EVENTS, *_NETWORK, "subprocess.Popen"})
_IMPORTING = "importlib._bootstrap_external"


class Question:
    """A program that was run, in ``folder`` with the standard input ``given``.

    ``inherited``: names of those of its variables that are this process's; ``added``: the others.
    """

    __slots__ = ("added", "folder", "given", "inherited", "words")

    def __init__(
        self, words: Sequence[str], env: Mapping[str, str] | None, folder: str, given: bytes
    ) -> None:
        variables = os.environ if env is None else env
        self.words = list(words)
        self.folder = folder
        self.given = given
        self.inherited = [n for n, value in variables.items() if os.environ.get(n) == value]
        self.added = {n: value for n, value in variables.items() if n not in self.inherited}


class Observation:
    """Everything that a run has looked at so far.

    ``stamps``: what paths were like when they were first looked at; ``answers``: exit status,
    standard output and standard error of each program; ``unseen``: the run has looked at something
    that cannot be looked at again; ``printed``: to its own standard output and standard error.
    """

    def __init__(self) -> None:
        self.stamps: dict[tuple[str, How], Stamp] = {}
        self.answers: list[tuple[Question, tuple[int, bytes, bytes]]] = []
        self.printed: tuple[list[str], list[str]] = ([], [])
        self.unseen = False
        self._started = 0

    @property
    def is_complete(self) -> bool:
        """Tell whether everything that the run depended on can be looked at again."""
        return not self.unseen and self._started == len(self.answers)

    def look(self, path: Any, how: How) -> None:
        """Remember what ``path`` is like, unless that is known; a number is an open file."""
        if isinstance(path, int):
            return
        key = (os.path.abspath(os.fsdecode(path)), how)  # noqa: PTH100 - links stay
        if key in self.stamps:
            return
        self.stamps[key] = stamp_of(*key)
        if how == "names":
            # Whoever lists files is told what kind they are of.
            with contextlib.suppress(OSError), os.scandir(key[0]) as entries:
                for name in [entry.path for entry in entries]:
                    self.look(name, "link")
                    self.look(name, "status")

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take what Python tells of (https://docs.python.org/3/library/audit_events.html)."""
        if event in _EVENTS:
            self.look("." if arguments[0] is None else arguments[0], _EVENTS[event])
        elif event == "subprocess.Popen":
            self._started += 1
        else:
            self.unseen = True


def stamp_of(path: str, how: How) -> Stamp:
    """Return what changes when ``path`` does: its status, or why it has none.

    Of a folder only which one it is, and with ``names`` the time at which they changed.
    """
    try:
        found = _CALLS["lstat"](path) if how == "link" else _CALLS["stat"](path)
    except OSError as error:
        return (error.errno or 0,)
    except ValueError:
        return (-1,)
    itself = (found.st_mode, found.st_dev, found.st_ino)
    if not stat.S_ISDIR(found.st_mode):
        return (*itself, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return (*itself, found.st_mtime_ns) if how == "names" else itself


def ask(
    words: Sequence[str | Path],
    env: Mapping[str, str] | None,
    folder: Path | None,
    given: bytes,
    *answer: Any,
) -> None:
    """Tell whoever observes of the ``answer`` of a program."""
    if _current:
        question = Question(list(map(str, words)), env, str(folder or Path.cwd()), given)
        _current.answers.append((question, answer))


@contextlib.contextmanager
def observing() -> Iterator[Observation]:
    """Observe what the block does, until it ends or ``give_up`` is called."""
    global _current, _heard  # noqa: PLW0603 - what is replaced is the process's own
    if not _heard:
        sys.addaudithook(_hear)
        _heard = True
    _current = seen = Observation()
    vars(os).update({name: _telling(call, name) for name, call in _CALLS.items()})
    try:
        with (
            contextlib.redirect_stdout(_copied(sys.stdout, seen.printed[0])),
            contextlib.redirect_stderr(_copied(sys.stderr, seen.printed[1])),
        ):
            yield seen
    finally:
        _stop()


def give_up() -> None:
    """Observe no longer: the run goes on to something that is not to be repeated."""
    if _current:
        _current.unseen = True
        _stop()


def _stop() -> None:
    global _current  # noqa: PLW0603 - as above
    _current = None
    vars(os).update(_CALLS)


class _Copied:
    """A stream; what is written to it while somebody observes is ``kept``, too."""

    def __init__(self, stream: TextIO, kept: list[str]) -> None:
        self._stream = stream
        self._kept = kept

    def write(self, text: str) -> int:
        if _current:
            self._kept.append(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _copied(stream: TextIO, kept: list[str]) -> TextIO:
    return cast("TextIO", _Copied(stream, kept))


def _telling(call: Callable[..., Any], name: str) -> Callable[..., Any]:
    usual: How = "link" if name in _LINKS else "status"

    def tell(path: Any, *arguments: Any, **options: Any) -> Any:
        if _current:
            if options.get("dir_fd") is None:
                how: How = usual if options.get("follow_symlinks", True) else "link"
                _current.look(path, how)
            else:
                _current.unseen = True
        return call(path, *arguments, **options)

    return tell


_current: Observation | None = None
_heard = False


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    # What is imported is known by its module, and the folders on the way to it are of no interest.
    if not _current or event not in _HEARD:
        return
    if sys._getframe(1).f_globals.get("__name__") != _IMPORTING:
        _current.hear(event, arguments)
