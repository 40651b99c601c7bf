"""Builds that found nothing to do, said again without being planned again.

A run that finds nothing to do depends on what it has looked at, and on nothing else. So what that
was is recorded; as long as it is the same, the next run says the same. A test holds the record
against the system calls of such a run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import marshal
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any, TextIO

from nox_buildkit import observation
from nox_buildkit.cache_entries import read_cached, write_cached
from nox_buildkit.environment import in_ci
from nox_buildkit.errors import NoxBuildkitError
from nox_buildkit.files import cache_dir, private_dir
from nox_buildkit.observation import How, Observation, Stamp, stamp_of
from nox_buildkit.run import Programs, run

#: Another one whenever a record is written otherwise.
_FORMAT = "2"

#: Seconds for which a record is used: what is told of the time of a base is of its day, and files
#: of the cache that are in use are marked by a run that plans.
_KEPT_SECONDS = 3600

#: For a program that has answered before.
_PROGRAM_SECONDS = 60

#: As for digests of files: what was changed just now may be changed again in the same tick.
_TICK = 2_000_000_000

#: Names of variables that shells and terminals change from command to command.
_OF_SHELLS = frozenset({"_", "OLDPWD", "PWD", "SHLVL", "WINDOWID", "NOX_CURRENT_SESSION"})

_HOWS: tuple[How, ...] = ("itself", "target", "names")
_FILE, _NAMES = 6, 4


def build(words: Sequence[str], buildspec: Path, work: Callable[[], bool]) -> None:
    """Do ``work``, which tells whether it found nothing to do, unless that is known.

    ``words``: the arguments of the session. Raises what ``work`` raises.
    """
    began = time.monotonic()
    # A CI plans once, and a summary of its job is to be written.
    if in_ci():
        nothing = work()
    else:
        place = _place(words, buildspec)
        circumstances = [_FORMAT, *words, str(buildspec), *_surroundings()]
        if known := _holding(place, circumstances):
            for text, stream in zip(known["printed"], (sys.stdout, sys.stderr), strict=True):
                stream.write(text)
                stream.flush()
            nothing = True
        else:
            nothing = _observed(place, circumstances, work)
    if nothing:
        seconds = time.monotonic() - began
        print(f"nothing changed: nothing was built or written ({seconds:.1f} s)", file=sys.stderr)


def _observed(place: Path, circumstances: list[str], work: Callable[[], bool]) -> bool:
    with observation.observing() as seen:
        nothing = work()
    if nothing and seen.is_complete and (stamps := _settled(seen)) is not None:
        # The next run plans, then.
        with contextlib.suppress(OSError):
            _forget_others(place)
            write_cached(place, _record(seen, stamps, circumstances))
    return nothing


def _record(
    seen: Observation, stamps: Mapping[tuple[str, How], Stamp], circumstances: list[str]
) -> dict[str, Any]:
    key = secrets.token_bytes(32)
    paths = {how: [path for path, kind in stamps if kind == how] for how in _HOWS}
    return {
        "circumstances": circumstances,
        "until": time.time() + _KEPT_SECONDS,
        "day": _today(),
        "key": key.hex(),
        "environment": _environment(key),
        # A string is read ten times faster than a list of a hundred thousand.
        "paths": {how: "\0".join(found) for how, found in paths.items()},
        "stamps": _digest_of(stamps[path, how] for how in _HOWS for path in paths[how]),
        "programs": [_asked(*each) for each in seen.answers],
        "printed": ["".join(texts) for texts in seen.printed],
    }


def _holding(place: Path, circumstances: list[str]) -> dict[str, Any] | None:
    """Return the record ``place`` if everything is as it was then."""
    known: dict[str, Any] | None = read_cached(place)
    if (
        known
        and known["circumstances"] == circumstances
        and time.time() < known["until"] <= time.time() + _KEPT_SECONDS
        and known["day"] == _today()
        and known["environment"] == _environment(bytes.fromhex(known["key"]))
        and _looks_the_same(known["paths"], known["stamps"], known["programs"])
    ):
        return known
    return None


def _looks_the_same(
    paths: Mapping[How, str], stamps: str, programs: Sequence[Sequence[Any]]
) -> bool:
    """Look at files again while programs answer."""
    answers: list[bool] = []
    with Programs(cache_dir(), _PROGRAM_SECONDS) as running:
        asking = Thread(target=lambda: answers.append(all(_answers(p, running) for p in programs)))
        asking.start()
        same = _digest_of(_stamps_now(paths)) == stamps
        if same:
            asking.join()
    asking.join()
    return same and answers == [True]


def _place(words: Sequence[str], buildspec: Path) -> Path:
    digest = hashlib.sha256(json.dumps([str(buildspec.absolute()), *words]).encode()).hexdigest()
    return private_dir(cache_dir() / "up-to-date") / f"{digest[:16]}.json"


def _forget_others(place: Path) -> None:
    for other in place.parent.iterdir():
        if other.stat().st_mtime < time.time() - _KEPT_SECONDS:
            other.unlink(missing_ok=True)


def _surroundings() -> list[str]:
    """Return what a run depends on and does not look at in files or variables."""
    terminals = [_terminal(stream) for stream in (sys.stdout, sys.stderr)]
    return [sys.executable, sys.version, str(Path.cwd()), str(os.getuid()), *terminals]


def _terminal(stream: TextIO) -> str:
    try:
        return str(tuple(os.get_terminal_size(stream.fileno()))) if stream.isatty() else ""
    except (OSError, ValueError):
        return "unknown"


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _environment(key: bytes) -> str:
    """Return a digest of all variables; nobody finds out a value from it who has no ``key``."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_SHELLS}
    text = json.dumps(kept, sort_keys=True).encode()
    return hashlib.blake2b(text, key=key, digest_size=32).hexdigest()


def _settled(seen: Observation) -> Mapping[tuple[str, How], Stamp] | None:
    """Return what the run has looked at, and its code; None if something of it is changing."""
    every = dict(seen.stamps)
    for module in list(sys.modules.values()):
        if file := getattr(module, "__file__", None):
            every.setdefault((file, "target"), stamp_of(file, "target"))
    newest = time.time_ns() - _TICK
    for (path, how), stamp in every.items():
        # The times of a file are its last two, and that of names is the last.
        times = {_FILE: stamp[-2:], _NAMES: stamp[-1:]}.get(len(stamp), ())
        if any(each > newest for each in times) or stamp_of(path, how) != stamp:
            return None
    return every


def _stamps_now(paths: Mapping[How, str]) -> Iterable[Stamp]:
    return (stamp_of(path, how) for how in _HOWS for path in paths[how].split("\0") if path)


def _digest_of(stamps: Iterable[Stamp]) -> str:
    # Version 2 has no references, which there are as many of as the interpreter sees fit.
    return hashlib.sha256(marshal.dumps(list(stamps), 2)).hexdigest()


def _asked(question: observation.Question, answer: tuple[int, bytes, bytes]) -> list[Any]:
    return [
        question.words,
        question.folder,
        question.inherited,
        question.added,
        os.fsdecode(question.given),
        _answer_digest(*answer),
    ]


def _answers(program: Sequence[Any], running: Programs) -> bool:
    """Tell whether a program, as `_asked` has it, answers as it did."""
    words, folder, inherited, added, given, digest = program
    env = {name: os.environ[name] for name in inherited if name in os.environ} | added
    where, text = Path(folder), os.fsencode(given)
    try:
        done = run(words, seconds=running.seconds, env=env, cwd=where, given=text, programs=running)
    except NoxBuildkitError:
        return False
    return bool(_answer_digest(done.returncode, done.stdout, done.stderr) == digest)


def _answer_digest(returncode: int, stdout: bytes, stderr: bytes) -> str:
    digest = hashlib.sha256(f"{returncode} {len(stdout)} ".encode())
    digest.update(stdout)
    digest.update(stderr)
    return digest.hexdigest()
