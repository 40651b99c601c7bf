"""Requirements in, a committed hashed lock out, by ``uv pip compile``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nox_buildkit.errors import Code, Location, LockError
from nox_buildkit.files import write_atomic
from nox_buildkit.lock.direct_references import portable, stated_file
from nox_buildkit.lock.export import export
from nox_buildkit.lock.folders import with_hashes
from nox_buildkit.lock.lock_inputs import inputs_digest
from nox_buildkit.lock.lock_state import State, body_digest, state_of
from nox_buildkit.lock.readers import read_text
from nox_buildkit.lock.resolve import resolve
from nox_buildkit.lock.source import TOOL_LOCKS, Source
from nox_buildkit.printable import has_credentials

#: A hash on a line of its own, as uv writes it.
_HASH_LINE = re.compile(r" *\\\n +--hash=\S+")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome for one lock: ``changes`` are the lines of a unified diff.

    ``altered``: what was there before was not as it was written; ``ran``: packages whose code was
    run on this machine.
    """

    output: Path
    written: bool
    changes: tuple[str, ...] = ()
    altered: bool = False
    ran: tuple[str, ...] = ()


def _committed(source: Source) -> str:
    """The text of the lock that is there; empty if it cannot be read."""
    try:
        return read_text(source.output)
    except LockError:
        return ""


def compile_lock(
    source: Source, *, upgrade: bool = False, upgrade_packages: Sequence[str] = ()
) -> Outcome:
    """Bring the lock of ``source`` up to date; unchanged inputs cost no call of uv.

    Pins that still fit are kept, unless upgraded. Raises LockError.
    """
    state = state_of(source)
    if state == "fresh" and not upgrade and not upgrade_packages:
        return Outcome(source.output, written=False)
    finished = source.kind == "locked"
    if (finished or source.path.name in TOOL_LOCKS) and (upgrade or upgrade_packages):
        raise LockError(
            Code.REQUIREMENTS_KEY(
                f"{source.path.name} is a finished lock and cannot be upgraded here",
                "upgrade it with the tool that wrote it",
                source.location,
            )
        )
    if finished:
        return Outcome(source.output, written=False)
    before = _committed(source)
    after, ran = _make(source, _pins_of(before, state), upgrade, upgrade_packages)
    if after != before:
        write_atomic(source.output, after)
    return Outcome(
        source.output, after != before, _changes(source, before, after), state == "altered", ran
    )


def check_lock(source: Source) -> Outcome:
    """Return the outcome of ``compile_lock``, without changing the lock."""
    state = state_of(source)
    if state == "fresh":
        return Outcome(source.output, written=False)
    before = _committed(source)
    after, _ = _make(source, _pins_of(before, state))
    return Outcome(
        source.output,
        written=False,
        changes=_changes(source, before, after),
        altered=state == "altered",
    )


def _pins_of(before: str, state: State) -> str:
    """Return the pins of the present lock for uv, which keeps them and their hashes."""
    return _HASH_LINE.sub("", before) if state == "altered" else before


def _make(
    source: Source, before: str, upgrade: bool = False, upgrade_packages: Sequence[str] = ()
) -> tuple[str, tuple[str, ...]]:
    """The text of the lock, and whose code was run for it.

    Raises LockError, its problems located at the source.
    """
    name, digest = source.names, inputs_digest(source)
    ran: tuple[str, ...]
    try:
        if source.path.name in TOOL_LOCKS:
            body, ran, origin = export(source), (), f"Exported by nox-buildkit from {name}."
        else:
            body, ran = resolve(source, before, upgrade, upgrade_packages)
            origin = f"Locked by nox-buildkit from {name}, for Python {source.python} and newer."
    except LockError as error:
        raise LockError(
            *(
                p
                if p.location
                else replace(p, message=f"{name}: {p.message}", location=_place(p.message, source))
                for p in error.problems
            )
        ) from None
    _require_portable(body, source)
    body = with_hashes(body, source.find_links)
    body = portable(body, source.path.parent, source.output.parent)
    text = (
        f"# {origin}\n# Refresh it with 'nox -s lock'; do not edit.\n"
        f"# inputs: {digest}\n# body: {body_digest(body)}\n{body}"
    )
    return text, ran


def _require_portable(body: str, source: Source) -> None:
    """Raise LockError for what a committed file may not hold, or another machine does not have."""
    if has_credentials(body):
        raise LockError(
            Code.CREDENTIALS(
                f"{source.names}: the URL of a requirement holds credentials",
                "remove them from the URL; UV_INDEX_<NAME>_USERNAME and _PASSWORD are for them",
                source.location,
            )
        )
    if path := stated_file(body):
        raise LockError(
            Code.PATH_REQUIREMENT(
                f"{source.names}: {path} is a file, and cannot be required by its path",
                "require it by name and version, and name its folder in 'find-links'",
                source.location,
            )
        )


def _place(message: str, source: Source) -> Location | None:
    """The place in the source that uv names, else that of the source in the spec."""
    position = re.search(r"TOML parse error at line (\d+), column (\d+)", message)
    if position and source.path.name in message:
        return Location(str(source.path), int(position[1]), int(position[2]))
    return source.location


def _changes(source: Source, before: str, after: str) -> tuple[str, ...]:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), source.output.name, source.output.name, n=0,
        lineterm="",
    )  # fmt: skip
    return tuple(lines)
