"""nox -s tags: which tags a release would move, from what to what, and why."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from nox_buildkit.build.fresh_locks import fresh_sources
from nox_buildkit.build.options import Selection
from nox_buildkit.build.planning import require_repositories
from nox_buildkit.build.project import open_project, plan_project
from nox_buildkit.build.releasing import planned_moves, released_commit
from nox_buildkit.documents.plans import TagsDocument, TagsEntry
from nox_buildkit.plan.plan import Plan
from nox_buildkit.release.http_repository import repositories
from nox_buildkit.release.moves import Move
from nox_buildkit.report.console import downloads
from nox_buildkit.report.json_output import print_json
from nox_buildkit.report.summary import aligned, short


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Ask the registries, and print what would happen. Raises NoxBuildkitError."""
    project = open_project(buildspec, Selection.of(arguments))
    with downloads() as report:
        plan = plan_project(project, fresh_sources(project, report), report)
        require_repositories(project, plan)
        git = released_commit(plan, allow_dirty=arguments.allow_dirty)
        moves = planned_moves(plan, git, repositories(report), {})
    if arguments.json:
        print_json(_document(plan, moves))
        return
    rows = [
        (*_cells(move, image.publication.version or "this build"), move.why)
        for image in plan.images
        for move in moves[image.name]
    ]
    for line in aligned([("tag", "", "from", "to", "why"), *rows]):
        print(line)
    for image in plan.images:
        for skipped in image.publication.skipped:
            print(f"{image.name}: no tag of '{skipped.template}': {skipped.why}")


def _cells(move: Move, after: str) -> tuple[str, str, str, str]:
    before = short(move.before) if move.before else "-"
    return move.reference, move.verdict, before, "-" if move.verdict == "keep" else after


def _document(plan: Plan, moves: Mapping[str, tuple[Move, ...]]) -> TagsDocument:
    named = {image.name: image.publication for image in plan.images}
    return TagsDocument(
        1, {n: TagsEntry(each.version, moves[n], each.skipped) for n, each in named.items()}
    )
