"""nox -s plan: everything that a build would do, without doing it."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

from nox_buildkit.build.baking import command_for
from nox_buildkit.build.fresh_locks import fresh_sources
from nox_buildkit.build.options import Selection
from nox_buildkit.build.project import open_project, plan_project
from nox_buildkit.engine.find import planned_engine
from nox_buildkit.plan.document import plan_document
from nox_buildkit.report.console import downloads, make_console
from nox_buildkit.report.plan_tree import print_image


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Print the plan. Raises NoxBuildkitError."""
    project = open_project(buildspec, Selection.of(arguments))
    with downloads() as report:
        sources = fresh_sources(project, report)
        plan = plan_project(project, sources, report)
        engine = planned_engine(project.builder)
    command = command_for(plan, engine)
    if arguments.json:
        json.dump({**plan_document(plan), "command": command}, sys.stdout, indent=2)
        print()
        return
    console = make_console(sys.stdout)
    asked = {image.name for image in plan.images}
    for image in plan.targets:
        why = project.pythons[image.name].why if image.name in project.pythons else ""
        print_image(console, image, plan.native, why, result=image.name in asked)
    print(shlex.join(command))
