"""nox -s lock: committed requirements, refreshed or checked."""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from nox_buildkit.commands.project import Project, map_locks, open_project
from nox_buildkit.errors import LockError, Problem
from nox_buildkit.lock.compile import Outcome, check_lock, compile_lock
from nox_buildkit.lock.sets import sources_of


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Refresh the locks, or with --check say what would change. Raises LockError."""
    project = open_project(buildspec, arguments)
    found = sources_of(project.spec, project.root, project.images)
    sources = {source.output: source for source in found.values() if source}
    if arguments.check:
        _check(project, map_locks(check_lock, sources.values()))
        return
    work = partial(
        compile_lock, upgrade=arguments.upgrade, upgrade_packages=arguments.upgrade_package
    )
    for outcome in map_locks(work, sources.values()):
        _tell(project, outcome)


def _check(project: Project, outcomes: list[Outcome]) -> None:
    stale = [outcome for outcome in outcomes if outcome.changes]
    if stale:
        raise LockError(*(_stale(project, outcome) for outcome in stale))
    for outcome in outcomes:
        print(f"{_name(project, outcome)} is up to date", file=sys.stderr)


def _stale(project: Project, outcome: Outcome) -> Problem:
    # The digest of the inputs always differs; what a person wants to know is the first pin.
    lines = [line for line in outcome.changes if not line.startswith(("---", "+++", "@@"))]
    pins = [line for line in lines if "==" in line] or lines
    shown = ", ".join(f"'{line.rstrip(' ' + chr(92))}'" for line in pins[:4])
    more = f" and {len(pins) - 4} more" if len(pins) > 4 else ""
    return Problem(
        f"{_name(project, outcome)} is stale: {shown}{more}", "run 'nox -s lock' and commit it"
    )


def _tell(project: Project, outcome: Outcome) -> None:
    if not outcome.written:
        print(f"{_name(project, outcome)} is up to date", file=sys.stderr)
        return
    pins = [line for line in outcome.changes if "==" in line and line[0] in "+-"]
    print(f"{_name(project, outcome)} is written", file=sys.stderr)
    for line in pins:
        print(f"  {line[0]} {line[1:].rstrip(' ' + chr(92))}", file=sys.stderr)


def _name(project: Project, outcome: Outcome) -> str:
    return os.path.relpath(outcome.output, project.root)
