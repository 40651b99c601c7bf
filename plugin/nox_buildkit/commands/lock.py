"""nox -s lock: committed requirements, refreshed or checked."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from nox_buildkit.bases.base_lock import NAME, read_base_lock, write_base_lock
from nox_buildkit.build.fresh_locks import changed_lines, map_locks
from nox_buildkit.build.options import Selection
from nox_buildkit.build.project import Project, open_project, reach_bases, reach_outside
from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.errors import Code, EngineError, LockError, Problem
from nox_buildkit.facts.gather import gather, gather_coverage
from nox_buildkit.lock.compile import Outcome, check_lock, compile_lock
from nox_buildkit.lock.requirement_sets import sources_of
from nox_buildkit.lock.source import Source
from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.facts import Coverage
from nox_buildkit.plan.package_selection import select_packages
from nox_buildkit.report.console import downloads, make_console, say
from nox_buildkit.report.coverage import covered


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Refresh the locks, or with --check say what would change. Raises LockError."""
    project = open_project(buildspec, Selection.of(arguments))
    for name in project.images:
        if why := project.pythons[name].why:
            say(f"{name}: Python {project.pythons[name].python}, {why}")
    found = sources_of(project.spec, project.root, project.images)
    sources = {source.output: source for source in found.values() if source}
    if arguments.check:
        _check(project, map_locks(check_lock, sources.values()))
    else:
        work = partial(
            compile_lock, upgrade=arguments.upgrade, upgrade_packages=arguments.upgrade_package
        )
        for outcome in map_locks(work, sources.values()):
            _tell(project, outcome)
        _coverage(project, found)
    if arguments.bases:
        _bases(project, found, check=arguments.check)


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


def _bases(project: Project, sources: Mapping[Target, Source | None], *, check: bool) -> None:
    """Write the lock of bases, or say what would change in it."""
    path = project.root / NAME
    with downloads() as report:
        # The newest of each, whatever was assembled before.
        bases = reach_bases(project, report, pull=True)
        gather(sources, reach_outside(project, bases))
    before = read_base_lock(path) or {}
    # Images that were not asked for keep their bases.
    after = {**(before if project.images != tuple(project.spec.images) else {}), **bases.resolved}
    changed = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    if check and changed:
        raise LockError(
            Code.STALE_BASE_LOCK(
                f"{NAME} is stale: {', '.join(changed)}", "run 'nox -s lock -- --bases'"
            )
        )
    if check or not changed:
        say(f"{NAME} is up to date")
        return
    write_base_lock(path, after)
    say(f"{NAME} is written")
    for name in changed:
        digest = after[name].digest if name in after else "no longer used"
        say(f"  {name} {digest}")


def _check(project: Project, outcomes: list[Outcome]) -> None:
    stale = [outcome for outcome in outcomes if outcome.changes]
    if stale:
        raise LockError(*(_stale(project, outcome) for outcome in stale))
    for outcome in outcomes:
        say(f"{_name(project, outcome)} is up to date")


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
