"""Locks of a project, brought up to date before a build."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from nox_buildkit.build.project import Project
from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.environment import in_ci
from nox_buildkit.errors import Code, LockError, NoxBuildkitError, Problem
from nox_buildkit.lock.lock_state import state_of
from nox_buildkit.lock.requirement_sets import locks_of, sources_of
from nox_buildkit.lock.source import Source
from nox_buildkit.progress import Progress

if TYPE_CHECKING:
    from nox_buildkit.lock.compile import Outcome


def fresh_sources(project: Project, report: Progress) -> dict[Target, Source | None]:
    """The requirements of the chosen images, their locks up to date.

    A stale lock is refreshed, and said so; in CI it is a LockError.
    """
    sources = sources_of(project.spec, project.root, project.images)
    stale = [source for source in locks_of(sources) if state_of(source) != "fresh"]
    if not stale:
        return sources
    if in_ci():
        raise LockError(*(_stale(project, source) for source in stale))
    # Only for locks that have to be made.
    from nox_buildkit.lock.compile import compile_lock  # noqa: PLC0415

    for outcome in map_locks(compile_lock, stale):
        if outcome.written:
            was = ", which was changed since it was made" if outcome.altered else ""
            name = os.path.relpath(outcome.output, project.root)
            report.message(f"refreshed {name}{was}; commit it")
    return sources


def map_locks(work: Callable[[Source], Outcome], sources: Iterable[Source]) -> list[Outcome]:
    """Do ``work`` for each lock; problems of all of them are raised together."""
    outcomes: list[Outcome] = []
    problems: list[Problem] = []
    for source in sources:
        try:
            outcomes.append(work(source))
        except NoxBuildkitError as error:
            problems += error.problems
    if problems:
        raise LockError(*problems)
    return outcomes


def _stale(project: Project, source: Source) -> Problem:
    lock = os.path.relpath(source.output, project.root)
    match state_of(source):
        case "missing":
            message = f"{lock} is missing; it is made from {source.names}"
        case "altered":
            message = f"{lock} was changed since it was made, by hand or in a merge{_lost(source)}"
        case _:
            message = f"{lock} does not match {source.names}"
    return Code.STALE_LOCK(message, "run 'nox -s lock' and commit it", source.location)


def _lost(source: Source) -> str:
    """The lines that 'nox -s lock' would change, if that can be found out here."""
    from nox_buildkit.lock.compile import check_lock  # noqa: PLC0415 - as above

    try:
        return f": {changed_lines(check_lock(source))}"
    except NoxBuildkitError:
        return ""


def changed_lines(outcome: Outcome) -> str:
    """Summarize the changes of a lock for a person: the first pins, or lines."""
    # The digests in the header always differ.
    marks = ("---", "+++", "@@", "-# inputs", "+# inputs", "-# body", "+# body")
    lines = [line for line in outcome.changes if not line.startswith(marks)]
    pins = [line for line in lines if "==" in line] or lines or list(outcome.changes[-2:])
    shown = ", ".join(f"'{line.rstrip(' ' + chr(92))}'" for line in pins[:4])
    return f"{shown} and {len(pins) - 4} more" if len(pins) > 4 else shown
