"""Processes on this host that belong to a folder of ours, and their end.

Linux: proc(5). A number in a pidfile proves nothing; the program behind it and its arguments do.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.mounts import is_below, unescaped

PROC = Path("/proc")
#: Its bit (linux/capability.h).
_CAP_SYS_ADMIN = 21


@dataclass(frozen=True, slots=True)
class Process:
    """A live process; ``exe`` is the program's path, "" where there is none to read."""

    pid: int
    exe: str
    arguments: tuple[str, ...]

    def mentions(self, folder: Path) -> bool:
        """Tell whether an argument is ``folder``, or a path below it."""
        return any(is_below(argument, folder) for argument in self.arguments)

    def runs_from(self, folder: Path) -> bool:
        """Tell whether the program is below ``folder``, even if the file was deleted since."""
        return is_below(self.exe, folder)


def processes() -> Iterator[Process]:
    """All processes that this user may look into."""
    for entry in _entries():
        if process := process_of(int(entry.name)):
            yield process


def _entries() -> Iterator[Path]:
    """Folders of processes; none where there is no proc(5), and no engine of ours either."""
    if PROC.exists():
        yield from (entry for entry in PROC.iterdir() if entry.name.isdecimal())


def process_of(pid: int) -> Process | None:
    """Describe a process, or None if it is gone, a zombie, or not ours to look into."""
    try:
        exe = str((PROC / str(pid) / "exe").readlink())
        arguments = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    return Process(pid, exe, tuple(os.fsdecode(argument) for argument in arguments[:-1]))


def contained_in(data: Path) -> Iterator[int]:
    """Processes whose root file system is an overlay that writes below ``data``: containers'."""
    upper = f"upperdir={data}/"
    for entry in _entries():
        with contextlib.suppress(OSError):
            lines = (entry / "mountinfo").read_text(errors="replace").splitlines()
            if any(line.split()[4] == "/" and upper in unescaped(line) for line in lines):
                yield int(entry.name)


def may_mount() -> bool:
    """Tell whether this process may mount file systems (capabilities(7), CAP_SYS_ADMIN)."""
    lines = (PROC / "self/status").read_text().splitlines()
    effective = next(line.split()[1] for line in lines if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> _CAP_SYS_ADMIN & 1)


def uptime(pid: int) -> float:
    """Seconds since the process started."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return float((PROC / "uptime").read_text().split()[0]) - started


def end(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each process that still exists."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
