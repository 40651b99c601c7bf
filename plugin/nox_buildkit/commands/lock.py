"""nox -s lock: committed requirements, refreshed or checked."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from nox_buildkit.bases.base_lock import NAME, read_base_lock, write_base_lock
from nox_buildkit.build.fresh_locks import changed_lines, map_locks
from nox_buildkit.build.options import Selection
from nox_buildkit.build.project import Project, open_project, reach_bases, reach_outside
from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.documents.sessions import BaseLockEntry, LockDocument, LockEntry
from nox_buildkit.errors import Code, EngineError, LockError, Problem
from nox_buildkit.facts.gather import gather, gather_coverage
from nox_buildkit.lock.compile import Outcome, check_lock, compile_lock
from nox_buildkit.lock.requirement_sets import locks_of, sources_of
from nox_buildkit.lock.source import Source
from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.facts import Coverage
from nox_buildkit.plan.package_selection import select_packages
from nox_buildkit.report.console import downloads, make_console, say
from nox_buildkit.report.coverage import covered
from nox_buildkit.report.json_output import print_json


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Refresh the locks, or with --check say what would change. Raises LockError."""
    project = open_project(buildspec, Selection.of(arguments))
    for name in project.images:
        if why := project.pythons[name].why:
            say(f"{name}: Python {project.pythons[name].python}, {why}")
    found = sources_of(project.spec, project.root, project.images)
    work = partial(
        compile_lock, upgrade=arguments.upgrade, upgrade_packages=arguments.upgrade_package
    )
    outcomes = map_locks(check_lock if arguments.check else work, locks_of(found))
    for outcome in outcomes:
        if not outcome.changes or outcome.written:
            _tell(project, outcome)
    if not arguments.check:
        _coverage(project, found)
    bases = _bases(project, found, check=arguments.check) if arguments.bases else None
    if arguments.json:
        print_json(LockDocument(1, tuple(_entry(project, each) for each in outcomes), bases))
    stale = [_stale(project, each) for each in outcomes if each.changes and not each.written]
    if bases and bases.state == "stale":
        message = f"{NAME} is stale: {', '.join(bases.changed)}"
        stale.append(Code.STALE_BASE_LOCK(message, "run 'nox -s lock -- --bases'"))
    if stale:
        raise LockError(*stale)


def _coverage(project: Project, sources: Mapping[Target, Source | None]) -> None:
    """Say which platform gets what. Raises PlanError for what a platform has nothing of."""
    try:
        with downloads() as report:
            locked = read_base_lock(project.root / NAME)
            # A base takes a minute or more to assemble, and a build will do that.
            bases = reach_bases(project, report, locked=locked, assembles=False)
            found = gather_coverage(sources, reach_outside(project, bases))
    except (EngineError, LockError) as error:
        # The locks are written all the same, and a build is going to say it again.
        say(f"which wheels there are is not known: {error}")
        return
    console = make_console(sys.stderr)
    shown: list[Coverage] = []
    for target, (coverage, libc) in found.items():
        platforms = [PLATFORMS[platform] for platform in target.platforms]
        select_packages(coverage, platforms, target.variant.python, libc, compiles=True)
        if coverage not in shown and (table := covered(coverage)):
            console.print(table)
        shown.append(coverage)


def _bases(
    project: Project, sources: Mapping[Target, Source | None], *, check: bool
) -> BaseLockEntry:
    """Write the lock of bases, or return what would change in it."""
    path = project.root / NAME
    with downloads() as report:
        # The newest of each, whatever was assembled before.
        bases = reach_bases(project, report, pull=True)
        gather(sources, reach_outside(project, bases))
    before = read_base_lock(path) or {}
    # Images that were not asked for keep their bases.
    after = {**(before if project.images != tuple(project.spec.images) else {}), **bases.resolved}
    changed = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    digests = {name: after[name].digest if name in after else None for name in changed}
    if not changed:
        say(f"{NAME} is up to date")
        return BaseLockEntry(NAME, "up-to-date", {})
    if check:
        return BaseLockEntry(NAME, "stale", digests)
    write_base_lock(path, after)
    say(f"{NAME} is written")
    for name, digest in digests.items():
        say(f"  {name} {digest or 'no longer used'}")
    return BaseLockEntry(NAME, "written", digests)


def _entry(project: Project, outcome: Outcome) -> LockEntry:
    state: Literal["up-to-date", "written", "stale"] = "up-to-date"
    if outcome.changes or outcome.written:
        state = "written" if outcome.written else "stale"
    name = _name(project, outcome)
    return LockEntry(name, state, outcome.changes, outcome.altered, outcome.ran)


def _stale(project: Project, outcome: Outcome) -> Problem:
    why = "was changed since it was made, by hand or in a merge" if outcome.altered else "is stale"
    return Code.STALE_LOCK(
        f"{_name(project, outcome)} {why}: {changed_lines(outcome)}",
        "run 'nox -s lock' and commit it",
    )


def _tell(project: Project, outcome: Outcome) -> None:
    if not outcome.written:
        say(f"{_name(project, outcome)} is up to date")
        return
    pins = [line for line in outcome.changes if "==" in line and line[0] in "+-"]
    say(f"{_name(project, outcome)} is written")
    if outcome.ran:
        say(f"  to learn what it requires, code was run of: {', '.join(outcome.ran)}")
    for line in pins:
        say(f"  {line[0]} {line[1:].rstrip(' ' + chr(92))}")


def _name(project: Project, outcome: Outcome) -> str:
    return os.path.relpath(outcome.output, project.root)
