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
from typing import Any, Literal, NamedTuple, TextIO, cast

#: What of a path was looked at: itself, what a link leads to, or the names in a folder.
How = Literal["itself", "target", "names"]

#: What is another one when somebody has written to a file.
Stamp = tuple[int, ...]

#: Calls that look at the path which is their first argument.
_CALLS = ("stat", "lstat", "access", "readlink", "open")
_OF_LINKS = ("lstat", "readlink")
#: Modules ask these sets whether a function has an option.
_OPTIONS: Sequence[set[Any]] = (
    os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids
)  # fmt: skip

_LISTING = ("os.listdir", "os.scandir")
_NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.sendto")
_HEARD = frozenset({"open", *_LISTING, *_NETWORK, "subprocess.Popen"})
_IMPORTING = "importlib._bootstrap_external"

_stat, _lstat = os.stat, os.lstat


class Question(NamedTuple):
    """A program with its variables (all, for None), folder, standard input, and limit."""

    words: Sequence[str | Path]
    env: Mapping[str, str] | None
    folder: Path | None
    given: bytes
    seconds: float


#: Exit status, standard output, standard error.
Answer = tuple[int, bytes, bytes]


class Observation:
    """Everything that a run has looked at so far.

    ``stamps``: what paths were like when they were first looked at; ``answers``: of each program;
    ``unseen``: the run has looked at something that cannot be looked at again; ``printed``: to its
    own standard output and standard error; ``memories``: paths that are not looked at, see
    `remembers`.
    """

    def __init__(self) -> None:
        self.stamps: dict[tuple[str, How], Stamp] = {}
        self.answers: list[tuple[Question, Answer]] = []
        self.printed: tuple[list[str], list[str]] = ([], [])
        self.memories: set[str] = set()
        self.unseen = False
        self._started = 0

    @property
    def is_complete(self) -> bool:
        """Tell whether everything that the run depended on can be looked at again."""
        return not self.unseen and self._started == len(self.answers)

    def look(self, path: Any, *, follow: bool = True) -> None:
        """Remember what ``path`` is like, unless that is known; ``follow``: what it leads to, too.

        A number is an open file.
        """
        if isinstance(path, int):
            return
        name = _absolute(path)
        if name in self.memories:
            return
        itself = self.stamps.get((name, "itself"))
        if itself is None:
            itself = self.stamps[name, "itself"] = stamp_of(name, "itself")
        if follow and _is_link(itself) and (name, "target") not in self.stamps:
            self.stamps[name, "target"] = stamp_of(name, "target")

    def look_into(self, path: Any) -> None:
        """Remember which names the folder ``path`` has."""
        if isinstance(path, int):
            self.unseen = True
            return
        self.look(path)
        name = _absolute(path)
        if (name, "names") in self.stamps:
            return
        self.stamps[name, "names"] = stamp_of(name, "names")
        # Whoever lists files is told of which kind they are, and what links lead to.
        with contextlib.suppress(OSError), os.scandir(name) as entries:
            for link in [entry.path for entry in entries if entry.is_symlink()]:
                self.look(link)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take what Python tells of (https://docs.python.org/3/library/audit_events.html)."""
        if event == "open":
            self.look(arguments[0])
        elif event in _LISTING:
            self.look_into("." if arguments[0] is None else arguments[0])
        elif event == "subprocess.Popen":
            self._started += 1
        else:
            self.unseen = True


def stamp_of(path: str, how: How) -> Stamp:
    """Return what changes when ``path`` does: its status, or why it has none.

    Of a folder or a device only which one it is, and with ``names`` when those of it changed.
    """
    try:
        found = _lstat(path) if how == "itself" else _stat(path)
    except OSError as error:
        return (error.errno or 0,)
    except ValueError:
        return (-1,)
    itself = (found.st_mode, found.st_dev, found.st_ino)
    times = (found.st_mtime_ns, found.st_ctime_ns)
    if stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode):
        return (*itself, *times, found.st_size)
    return (*itself, *times) if how == "names" else itself


def changed_at(stamp: Stamp) -> int:
    """Return when what has ``stamp`` was changed last, in nanoseconds; 0 where it does not say.

    The time of modification is what a program makes it, and may be one to come.
    """
    return stamp[4] if len(stamp) > 4 else 0


def answered(question: Question, answer: Answer) -> None:
    """Tell whoever observes of the ``answer`` of a program."""
    if _current:
        _current.answers.append((question, answer))


def remembers(path: Path) -> None:
    """Tell whoever observes that the file ``path`` says only what others say that are looked at."""
    if _current:
        _current.memories.add(_absolute(path))


@contextlib.contextmanager
def observing() -> Iterator[Observation]:
    """Observe what the block does, until it ends or ``give_up`` is called."""
    global _current, _heard  # noqa: PLW0603 - what is replaced is the process's own
    if not _heard:
        sys.addaudithook(_hear)
        _heard = True
    _current = seen = Observation()
    for name in _CALLS:
        _replace(name)
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
    _replaced.close()


def _replace(name: str) -> None:
    """Let the function ``name`` of ``os`` tell what it is called for, until ``_stop``."""
    call: Callable[..., Any] = vars(os)[name]

    def tell(path: Any, *arguments: Any, **options: Any) -> Any:
        if _current:
            if options.get("dir_fd") is None:
                follow = name not in _OF_LINKS and options.get("follow_symlinks", True)
                _current.look(path, follow=follow)
            else:
                _current.unseen = True
        return call(path, *arguments, **options)

    vars(os)[name] = tell
    _replaced.callback(vars(os).__setitem__, name, call)
    for functions in _OPTIONS:
        if call in functions:
            functions.add(tell)
            _replaced.callback(functions.discard, tell)


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


def _is_link(stamp: Stamp) -> bool:
    return len(stamp) > 1 and stat.S_ISLNK(stamp[0])


def _absolute(path: Any) -> str:
    name = os.fsdecode(path)
    # As it is: behind a link, ".." is not the folder that the link is in.
    return name if name.startswith("/") else f"{os.getcwd()}/{name}"  # noqa: PTH109


_current: Observation | None = None
_replaced = contextlib.ExitStack()
_heard = False


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    # What is imported is known by its module, and the folders on the way to it are of no interest.
    if not _current or event not in _HEARD:
        return
    if sys._getframe(1).f_globals.get("__name__") != _IMPORTING:
        _current.hear(event, arguments)
