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
from types import ModuleType
from typing import Any, TextIO

from nox_buildkit import observation
from nox_buildkit.at_once import meanwhile
from nox_buildkit.cache_entries import is_settled, read_cached, write_cached
from nox_buildkit.environment import in_ci
from nox_buildkit.errors import NoxBuildkitError
from nox_buildkit.files import cache_dir, private_dir
from nox_buildkit.observation import (
    Answer,
    How,
    Observation,
    Question,
    Stamp,
    changed_at,
    stamp_of,
)
from nox_buildkit.project_folder import exclusively
from nox_buildkit.run import run

#: Another one whenever a record is written otherwise.
_FORMAT = "4"

#: Seconds for which a record is used: what is told of the time of a base is of its day, and files
#: of the cache that are in use are marked by a run that plans.
_KEPT_SECONDS = 3600

#: So that each attempt to guess a value takes milliseconds.
_ITERATIONS = 10_000

#: Names of variables that shells and terminals change from command to command.
_OF_SHELLS = frozenset({"_", "OLDPWD", "SHLVL", "WINDOWID", "NOX_CURRENT_SESSION"})

_HOWS: tuple[How, ...] = ("itself", "target", "names")


def build(
    words: Sequence[str], buildspec: Path, work: Callable[[], bool], *, first: bool = True
) -> None:
    """Do ``work``, which tells whether it found nothing to do, unless that is known.

    ``words``: the arguments of the session; ``first``: of this process: what another one has asked
    is not asked again. No other build of the project runs meanwhile. Raises what ``work`` raises.
    """
    began = time.monotonic()
    # A CI plans once, and a summary of its job is to be written; who looks for a mistake, looks
    # for it in what a plan does.
    recorded = first and not in_ci() and os.environ.get("NOX_BUILDKIT_DEBUG") != "1"
    with exclusively(buildspec):
        nothing = _recorded(words, buildspec, work) if recorded else work()
    if nothing:
        seconds = time.monotonic() - began
        print(f"nothing changed: nothing was built or written ({seconds:.1f} s)", file=sys.stderr)


def _recorded(words: Sequence[str], buildspec: Path, work: Callable[[], bool]) -> bool:
    place = _place(words, buildspec)
    circumstances = [*words, str(buildspec), *_surroundings()]
    known: dict[str, Any] | None = read_cached(place)
    if known and _holds(known, circumstances):
        for text, stream in zip(known["printed"], (sys.stdout, sys.stderr), strict=True):
            stream.write(text)
            stream.flush()
        return True
    with observation.observing() as seen:
        nothing = work()
    # Where nothing can be written, the next run plans.
    with contextlib.suppress(OSError):
        # What did not hold is not asked for again: a program in it may not answer any more.
        place.unlink(missing_ok=True)
        if nothing and seen.is_complete and (stamps := _settled(seen)) is not None:
            _forget_others(place)
            write_cached(place, _record(seen, stamps, circumstances))
    return nothing


def _record(
    seen: Observation, stamps: Mapping[tuple[str, How], Stamp], circumstances: list[str]
) -> dict[str, Any]:
    key = secrets.token_bytes(32)
    paths = {how: [path for path, kind in stamps if kind == how] for how in _HOWS}
    return {
        "until": time.time() + _KEPT_SECONDS,
        "day": _today(),
        "key": key.hex(),
        "circumstances": _digest_by(key, circumstances),
        # Of perhaps a hundred thousand: a list of strings is larger, and slower to read.
        "paths": {how: "\0".join(found) for how, found in paths.items()},
        "stamps": _digest_of(stamps[path, how] for how in _HOWS for path in paths[how]),
        "programs": [_asked(*each) for each in seen.answers],
        "printed": ["".join(texts) for texts in seen.printed],
    }


def _holds(known: Mapping[str, Any], circumstances: list[str]) -> bool:
    """Tell whether everything is as it was when ``known`` was recorded."""
    return (
        time.time() < known["until"] <= time.time() + _KEPT_SECONDS
        and known["day"] == _today()
        and known["circumstances"] == _digest_by(bytes.fromhex(known["key"]), circumstances)
        and _looks_the_same(known["paths"], known["stamps"], known["programs"])
    )


def _looks_the_same(
    paths: Mapping[How, str], stamps: str, programs: Sequence[Sequence[Any]]
) -> bool:
    """Look at files again while programs answer."""
    answers: list[bool] = []
    try:
        with meanwhile(lambda: answers.append(all(map(_answers, programs)))):
            if _digest_of(_stamps_now(paths)) != stamps:
                raise _Changed
    except _Changed:
        return False
    return answers == [True]


class _Changed(Exception):
    """A file is another one, so that nobody needs the answers of programs any more."""


def _place(words: Sequence[str], buildspec: Path) -> Path:
    text = json.dumps([_FORMAT, str(buildspec.absolute()), *words])
    digest = hashlib.sha256(text.encode()).hexdigest()
    return private_dir(cache_dir() / "up-to-date") / f"{digest[:16]}.json"


def _forget_others(place: Path) -> None:
    for other in place.parent.iterdir():
        # Another build may do the same.
        with contextlib.suppress(OSError):
            if other.stat().st_mtime < time.time() - _KEPT_SECONDS:
                other.unlink()


def _surroundings() -> list[str]:
    """Return what a run depends on and does not look at in files or variables."""
    terminals = [_terminal(stream) for stream in (sys.stdout, sys.stderr)]
    # A Python of several machines says which one it is.
    machine = os.uname().machine
    return [sys.executable, sys.version, machine, str(Path.cwd()), str(os.getuid()), *terminals]


def _terminal(stream: TextIO) -> str:
    try:
        return str(tuple(os.get_terminal_size(stream.fileno()))) if stream.isatty() else ""
    except (OSError, ValueError):
        return "unknown"


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _digest_by(key: bytes, circumstances: Sequence[str]) -> str:
    """Return a digest of ``circumstances`` and all variables: the spec may name any.

    Some are secret, so nobody is to find one out by trying.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _OF_SHELLS}
    text = json.dumps([circumstances, kept], sort_keys=True).encode()
    return hashlib.pbkdf2_hmac("sha256", text, key, _ITERATIONS).hex()


def _settled(seen: Observation) -> Mapping[tuple[str, How], Stamp] | None:
    """Return what the run has looked at, and its code; None if something of it is changing."""
    every = dict(seen.stamps)
    for module in list(sys.modules.values()):
        # Others, which somebody may load late, are not asked for anything.
        if type(module) is ModuleType and (file := vars(module).get("__file__")):
            every.setdefault((file, "target"), stamp_of(file, "target"))
    if all(is_settled(changed_at(s)) and stamp_of(*key) == s for key, s in every.items()):
        return every
    return None


def _stamps_now(paths: Mapping[How, str]) -> Iterable[Stamp]:
    return (stamp_of(path, how) for how in _HOWS for path in paths[how].split("\0") if path)


def _digest_of(stamps: Iterable[Stamp]) -> str:
    # Version 2 has no references, which there are as many of as the interpreter sees fit.
    return hashlib.sha256(marshal.dumps(list(stamps), 2)).hexdigest()


def _asked(question: Question, answer: Answer) -> list[Any]:
    """Return a program, its folder, variables, input and limit, and a digest of its answer.

    Variables that are those of this process are written down by their names.
    """
    env = os.environ if question.env is None else question.env
    inherited = [name for name, value in env.items() if os.environ.get(name) == value]
    return [
        list(map(str, question.words)),
        str((question.folder or Path()).absolute()),
        inherited,
        {name: value for name, value in env.items() if os.environ.get(name) != value},
        os.fsdecode(question.given),
        question.seconds,
        _answer_digest(*answer),
    ]


def _answers(program: Sequence[Any]) -> bool:
    """Tell whether a program, as `_asked` has it, answers as it did."""
    words, folder, inherited, added, given, seconds, digest = program
    env = {name: os.environ[name] for name in inherited if name in os.environ} | added
    try:
        done = run(words, seconds=seconds, env=env, cwd=Path(folder), given=os.fsencode(given))
    except (NoxBuildkitError, OSError):
        return False
    return bool(_answer_digest(done.returncode, done.stdout, done.stderr) == digest)


def _answer_digest(returncode: int, stdout: bytes, stderr: bytes) -> str:
    digest = hashlib.sha256(f"{returncode} {len(stdout)} ".encode())
    digest.update(stdout)
    digest.update(stderr)
    return digest.hexdigest()
