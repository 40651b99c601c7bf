"""nox -s render: the same build without this program."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from nox_buildkit.commands.bake import write_definition
from nox_buildkit.commands.project import (
    fresh_sources,
    native_platform,
    open_project,
    plan_project,
)
from nox_buildkit.errors import PlanError, Problem
from nox_buildkit.facts.bases import layout_folder
from nox_buildkit.files import copy_folder
from nox_buildkit.lock.program import uv_programs
from nox_buildkit.plan.model import Plan
from nox_buildkit.render.bake import DEFINITION
from nox_buildkit.report.console import downloads


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Write a folder in which ``docker buildx bake`` builds the images. Raises BuildkitError."""
    project = open_project(buildspec, arguments)
    folder = arguments.output.absolute()
    if folder.exists() and not folder.is_dir():
        raise PlanError(Problem(f"{arguments.output} is not a folder", "name another --output"))
    with downloads() as report:
        sources = fresh_sources(project, report)
        plan = plan_project(
            project, sources, report, native=[native_platform()], exclude=(folder,)
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_definition(plan, folder, _contexts(plan, folder))
    outside = sorted({os.path.relpath(i.application.folder, folder) for i in plan.images})
    allow = " ".join(f"--allow fs.read={path}" for path in outside if path.startswith(".."))
    print(f"{arguments.output / DEFINITION}: build it with", file=sys.stderr)
    print(f"  cd {arguments.output} && docker buildx bake {allow}".rstrip(), file=sys.stderr)


def _contexts(plan: Plan, folder: Path) -> dict[str, str]:
    """Copy what the build reads from the cache; the bake context of each, relative to ``folder``."""
    copy_folder(uv_programs(("linux/amd64", "linux/arm64")), folder / "uv")
    contexts = {"uv": "uv"}
    for context in {image.base.context for image in plan.images}:
        if layout := layout_folder(context):
            shutil.rmtree(folder / "bases" / layout.name, ignore_errors=True)
            copy_folder(layout, folder / "bases" / layout.name)
            digest = context.rpartition("@")[2]
            contexts[context] = f"oci-layout://bases/{layout.name}@{digest}"
    return contexts
