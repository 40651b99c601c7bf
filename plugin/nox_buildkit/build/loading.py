"""Loading of one platform, where the image store of a dockerd holds no images of several."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nox_buildkit.build.options import BuildOptions, Selection
from nox_buildkit.build.pipeline import build_images, plan_build
from nox_buildkit.build.project import Project, open_project
from nox_buildkit.build.project_folder import kept_for
from nox_buildkit.engine.buildkit import Needs
from nox_buildkit.engine.find import find_engine
from nox_buildkit.engine.suitable import only_platform
from nox_buildkit.files import private_dir, real_path
from nox_buildkit.plan.plan import Plan
from nox_buildkit.report.console import downloads


def only_loadable(project: Project, plan: Plan) -> str | None:
    """Return the platform to load where the image store takes no index; None where it takes all."""
    if len(plan.platforms) == 1:
        return None
    needs = Needs(plan.platforms, plan.emulated, load=True)
    with downloads() as report:
        engine = find_engine(needs, project.builder, report)
    # What several nodes have in common is told by the build.
    if engine.driver == "docker" or engine.nodes > 1:
        return None
    own = only_platform(engine.client)
    return own if own is None or own in plan.platforms else min(plan.platforms)


def load_one(buildspec: Path, selection: Selection, options: BuildOptions, platform: str) -> None:
    """Put one platform of what was built into the image store: every step is cached."""
    project = open_project(buildspec, replace(selection, platforms=(platform,)))
    # Not the output folder: what is there is of all platforms.
    output = private_dir(kept_for(real_path(buildspec.parent), "run"))
    alone = replace(options, output=output, no_cache=False, export_cache=False)
    build_images(project, plan_build(project, alone), alone, "store")
