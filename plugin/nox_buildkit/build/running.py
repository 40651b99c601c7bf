"""One image for the platform of the engine, built into its store to be started."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from nox_buildkit.build.options import BuildOptions, Selection
from nox_buildkit.build.pipeline import build_images
from nox_buildkit.build.planning import plan_build, require_tags
from nox_buildkit.build.project import Project, native_platforms, open_project
from nox_buildkit.errors import Code, UsageError
from nox_buildkit.files import private_dir, real_path
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.project_folder import exclusively, kept_for
from nox_buildkit.report.console import ProgressStyle


@dataclass(frozen=True, slots=True)
class Request:
    """A wish: an image of ``buildspec``, and ``platform`` if it is a certain one."""

    buildspec: Path
    selection: Selection
    platform: str | None = None
    progress: ProgressStyle = "auto"


@dataclass(frozen=True, slots=True)
class Planned:
    """The image that a request is for, as it was when it was planned."""

    project: Project
    plan: Plan
    options: BuildOptions

    @property
    def image(self) -> ImagePlan:
        """The image."""
        return self.plan.images[0]

    @property
    def platform(self) -> str:
        """The one platform that it is built for."""
        return self.image.every_platform[0]

    def build(self) -> None:
        """Build it into the store of the engine. Raises EngineError, BuildError."""
        build_images(self.project, self.plan, self.options, "store")


def plan_run(request: Request) -> Planned:
    """Plan the image of ``request``; the caller holds the project's lock. Raises NoxBuildkitError.

    A name, or a platform, that is not in the spec is a UsageError.
    """
    project = open_project(request.buildspec, request.selection)
    if len(project.images) != 1:
        raise UsageError(
            Code.COMMAND_LINE("several images cannot be started at once", "name one of them")
        )
    every = project.spec.images[project.images[0]].platforms
    # Of the engine and not of this process, which may run under Rosetta, or far from it.
    native = (platform for platform in native_platforms(project) if platform in every)
    wanted = request.platform or next(native, every[0])
    project = open_project(request.buildspec, replace(request.selection, platforms=(wanted,)))
    # Not dist: what is there is of all platforms.
    output = private_dir(kept_for(real_path(request.buildspec.parent), "run"))
    options = BuildOptions(output, load=True, progress=request.progress)
    plan = plan_build(project, options)
    require_tags(plan)
    return Planned(project, plan, options)


def built(request: Request) -> Planned:
    """Plan and build the image of ``request``. Raises NoxBuildkitError."""
    with exclusively(request.buildspec):
        planned = plan_run(request)
        planned.build()
    return planned
