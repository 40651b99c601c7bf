"""nox -s plan: everything that a build would do, without doing it, and what changed since."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from nox_buildkit.build.baking import command_for
from nox_buildkit.build.explanation import explain
from nox_buildkit.build.fresh_locks import fresh_sources
from nox_buildkit.build.options import Selection
from nox_buildkit.build.project import Project, open_project, plan_project
from nox_buildkit.engine.planned_engine import planned_engine
from nox_buildkit.plan.document import plan_document
from nox_buildkit.plan.plan import Plan
from nox_buildkit.report.console import downloads, make_console
from nox_buildkit.report.json_output import print_json
from nox_buildkit.report.layer_changes import Explanation, changes_document
from nox_buildkit.report.plan_changes import print_changes
from nox_buildkit.report.plan_tree import print_image


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Print the plan. Raises NoxBuildkitError."""
    selection = Selection.of(arguments)
    project = open_project(buildspec, selection)
    with downloads() as report:
        sources = fresh_sources(project, report)
        plan = plan_project(project, sources, report)
        explained = explain(project, plan, arguments.diff, selection, report)
        engine = planned_engine(project.builder, exactly=True)
    command = command_for(plan, engine)
    if arguments.json:
        changes = {name: changes_document(each) for name, each in explained.items()}
        print_json({**plan_document(plan), "command": command, "changes": changes})
        return
    _print(project, plan, explained)
    print(shlex.join(command))


def _print(project: Project, plan: Plan, explained: Mapping[str, Explanation]) -> None:
    console = make_console(sys.stdout)
    asked = {image.name for image in plan.images}
    for image in plan.targets:
        why = project.pythons[image.name].why if image.name in project.pythons else ""
        print_image(console, image, plan.native, why, result=image.name in asked)
        if found := explained.get(image.name):
            print_changes(console, image.name, found)
