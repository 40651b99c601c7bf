"""Requirements in, a committed hashed lock out, by ``uv pip compile``."""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.errors import LockError, Problem
from nox_buildkit.files import write_atomic
from nox_buildkit.lock.export import export
from nox_buildkit.lock.folders import with_hashes
from nox_buildkit.lock.inputs import inputs_digest
from nox_buildkit.lock.local import portable, stated_file
from nox_buildkit.lock.source import TOOL_LOCKS, Source
from nox_buildkit.lock.uv import has_credentials, index_options, run_uv

_DIGEST = re.compile(r"^# inputs: (sha256:[0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one lock: ``changes`` are the lines of a unified diff, empty if none."""

    output: Path
    written: bool
    changes: tuple[str, ...] = ()


def is_fresh(source: Source) -> bool:
    """Whether the committed lock was made of what its source says now; asks nobody."""
    if source.kind == "locked":
        return True
    if not source.output.is_file():
        return False
    stated = _DIGEST.search(source.output.read_text(errors="replace"))
    return bool(stated) and stated[1] == inputs_digest(source)  # type: ignore[index]


def compile_lock(
    source: Source, *, upgrade: bool = False, upgrade_packages: Sequence[str] = ()
) -> Outcome:
    """Bring the lock of ``source`` up to date; unchanged inputs cost no call of uv.

    Pins that still fit are kept, unless upgraded. Raises LockError.
    """
    if is_fresh(source) and not upgrade and not upgrade_packages:
        return Outcome(source.output, written=False)
    finished = source.kind == "locked"
    if (finished or source.path.name in TOOL_LOCKS) and (upgrade or upgrade_packages):
        raise LockError(
            Problem(
                f"{source.path.name} is a finished lock and cannot be upgraded here",
                "upgrade it with the tool that wrote it",
                source.location,
            )
        )
    if finished:
        return Outcome(source.output, written=False)
    before = source.output.read_text(errors="replace") if source.output.is_file() else ""
    after = _make(source, before, upgrade, upgrade_packages)
    if after != before:
        write_atomic(source.output, after)
    return Outcome(source.output, after != before, _changes(source, before, after))


def check_lock(source: Source) -> Outcome:
    """What ``compile_lock`` would change, without changing it."""
    if is_fresh(source):
        return Outcome(source.output, written=False)
    before = source.output.read_text(errors="replace") if source.output.is_file() else ""
    return Outcome(
        source.output, written=False, changes=_changes(source, before, _make(source, before))
    )


def _make(
    source: Source, before: str, upgrade: bool = False, upgrade_packages: Sequence[str] = ()
) -> str:
    """The text of the lock. Raises LockError, its problems located at the source."""
    name, digest = source.path.name, inputs_digest(source)
    try:
        if name in TOOL_LOCKS:
            body, origin = export(source), f"Exported by nox-buildkit from {name}."
        else:
            body = _resolve(source, before, upgrade, upgrade_packages)
            origin = f"Locked by nox-buildkit from {name}, for Python {source.python} and newer."
    except LockError as error:
        raise LockError(
            *(Problem(f"{name}: {p.message}", p.hint, source.location) for p in error.problems)
        ) from None
    if has_credentials(body):
        raise LockError(
            Problem(
                f"{name}: the URL of a requirement holds credentials",
                "remove them from the URL; UV_INDEX_<NAME>_USERNAME and _PASSWORD are for them",
                source.location,
            )
        )
    if path := stated_file(body):
        raise LockError(
            Problem(
                f"{name}: {path} is a file, and cannot be required by its path",
                "require it by name and version, and name its folder in 'find-links'",
                source.location,
            )
        )
    body = with_hashes(body, source.find_links)
    body = portable(body, source.path.parent, source.output.parent)
    return f"# {origin}\n# Refresh it with 'nox -s lock'; do not edit.\n# inputs: {digest}\n{body}"


def _resolve(source: Source, before: str, upgrade: bool, upgrade_packages: Sequence[str]) -> str:
    with tempfile.TemporaryDirectory(prefix="nox-buildkit-lock-") as name:
        # uv keeps the pins that it finds in its output file.
        output = Path(name, source.output.name)
        output.write_text(before)
        command: list[str | Path] = [
            "pip", "compile", source.path.name,
            "--quiet", "--universal", "--generate-hashes", "--no-header",
            "--python-version", source.python,
            "--output-file", output,
            *(f"--extra={extra}" for extra in source.extras),
            *(f"--group={group}" for group in source.groups),
            *(f"--constraints={path}" for path in source.constraints),
            *(f"--overrides={path}" for path in source.overrides),
            *index_options(source.index, source.extra_indexes, source.find_links),
            *(["--upgrade"] if upgrade else []),
            *(f"--upgrade-package={package}" for package in upgrade_packages),
        ]  # fmt: skip
        run_uv(command, cwd=source.path.parent)
        return output.read_text()


def _changes(source: Source, before: str, after: str) -> tuple[str, ...]:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), source.output.name, source.output.name, n=0,
        lineterm="",
    )  # fmt: skip
    return tuple(lines)
