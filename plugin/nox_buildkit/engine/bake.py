"""Run ``docker buildx bake``: the one module that composes its arguments and owns its process.

The ``buildx.bake`` of python-on-whales lacks what is needed here: ``allow``, a metadata file,
repeated ``set`` keys and the rawjson stream; it runs bake twice, joins stdout with stderr, and
leaves buildx running when its output is no longer read.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nox_buildkit.engine.buildkit import Engine, PlannedEngine
from nox_buildkit.engine.events.cache_faults import lost_caches
from nox_buildkit.engine.events.progress import BuildProgress, Change
from nox_buildkit.engine.flags.allow import Allow
from nox_buildkit.run import GONE

_TICK = 0.1
_PATIENCE = ((signal.SIGINT, 10.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 2.0))


@dataclass(frozen=True, slots=True)
class Update:
    """A line that buildx wrote, or (``line`` empty) that time went by without one.

    ``now``: seconds of ``time.monotonic``; ``status``: the rawjson object, None for plain text.
    """

    progress: BuildProgress
    now: float
    line: str = ""
    status: Mapping[str, Any] | None = None
    changes: tuple[Change, ...] = ()


#: How a line begins that a script of a build writes for people, not for the log of the step.
_NOTICE = "nox-buildkit: "


@dataclass(frozen=True, slots=True)
class BakeResult:
    """The end of a bake; ``text``: buildx's lines on stderr beside the rawjson objects.

    Text does not mean failure: BuildKit also says ERROR of what it then tries again.
    """

    returncode: int
    progress: BuildProgress
    seconds: float
    text: tuple[str, ...] = ()
    stdout: str = ""

    def notices(self) -> list[str]:
        """Return the notices of our scripts, and of layer caches that were not to be had."""
        logs = (line for digest in self.progress.vertices for line in self.progress.log(digest))
        found = (line.partition(_NOTICE)[2] for line in logs if line.startswith(_NOTICE))
        return list(dict.fromkeys((*found, *lost_caches(self.progress))))


def bake_command(
    engine: Engine | PlannedEngine,
    files: Sequence[Path | str],
    targets: Sequence[str],
    *,
    metadata_file: Path | str,
    no_cache: bool = False,
    allow: Sequence[Allow] = (),
) -> list[str]:
    """Return the whole argument list."""
    return [
        *engine.buildx,
        *("--builder", engine.builder),
        "bake",
        *(part for file in files for part in ("--file", str(file))),
        *("--progress", "rawjson"),
        *("--metadata-file", str(metadata_file)),
        *(part for entitlement in allow for part in ("--allow", str(entitlement))),
        *(("--no-cache",) if no_cache else ()),
        *targets,
    ]


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    progress: BuildProgress,
    on_event: Callable[[Update], None],
) -> BakeResult:
    """Run a bake to its end; ``env`` is all of its environment.

    A failed bake is returned like any other. Whatever leaves this function early, such as
    KeyboardInterrupt, first ends buildx and all its children: buildx then cancels the build, and
    BuildKit removes what it had begun.
    """
    began = time.monotonic()
    text: list[str] = []
    with tempfile.TemporaryFile() as stdout:
        # A session of its own: Ctrl-C in the terminal reaches buildx through us alone, once.
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            for line in _lines(process):
                update = read_line(progress, line, time.monotonic())
                if line and update.status is None:
                    text.append(line)
                on_event(update)
            returncode = process.wait()
        finally:
            _end(process)
        stdout.seek(0)
        output = stdout.read().decode(errors="replace")
    return BakeResult(returncode, progress, time.monotonic() - began, tuple(text), output)


def read_line(progress: BuildProgress, line: str, now: float) -> Update:
    """Take one line of a rawjson stream into ``progress``; anything may stand in between."""
    status = None
    if line.startswith("{"):
        with contextlib.suppress(ValueError):
            status = json.loads(line)
    if status is None:
        return Update(progress, now, line)
    return Update(progress, now, line, status, tuple(progress.feed(status, now)))


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Lines of stderr as they come; an empty one where none came for a moment."""
    assert process.stderr is not None  # noqa: S101  Popen was given a pipe
    descriptor = process.stderr.fileno()
    rest = b""
    while True:
        ready, _, _ = select.select([descriptor], [], [], _TICK)
        if not ready:
            yield ""
            continue
        data = os.read(descriptor, 65536)
        *lines, rest = (rest + data).split(b"\n") if data else (rest, b"")
        yield from (line.decode(errors="replace") for line in lines if line.strip())
        if not data:
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave no process of the group: ask, ask again, kill. Does nothing if all is over."""
    assert process.stderr is not None  # noqa: S101  Popen was given a pipe
    # Nobody reads any more, and a writer must not wait for a reader.
    drain = threading.Thread(target=_drain, args=(process.stderr.fileno(),), daemon=True)
    drain.start()
    for number, seconds in _PATIENCE:
        if not _alive(process):
            break
        with contextlib.suppress(*GONE):
            os.killpg(process.pid, number)
        # A second Ctrl-C means: now.
        with contextlib.suppress(KeyboardInterrupt):
            _wait(process, seconds)
    drain.join(timeout=1)
    process.stderr.close()


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while _alive(process) and time.monotonic() < deadline:
        time.sleep(0.02)


def _alive(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a process of the group is left: plugins may outlive the client."""
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except GONE:
        return False
    return True


def _drain(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(descriptor, 65536):
            pass
