"""nox -s run: an image, built for the platform of the engine and started."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from nox_buildkit.build.options import BuildOptions, Selection
from nox_buildkit.build.pipeline import build_images, plan_build
from nox_buildkit.build.project import Project, native_platforms, open_project
from nox_buildkit.build.project_folder import exclusively, kept_for
from nox_buildkit.build.releasing import require_tags
from nox_buildkit.engine.buildkit import Engine, Needs
from nox_buildkit.engine.find import find_engine
from nox_buildkit.engine.foreground import attach
from nox_buildkit.errors import Code, EngineError, UsageError
from nox_buildkit.files import private_dir, real_path
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.report.console import downloads, say


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Build one image, start it, and show what it writes until it ends. Raises NoxBuildkitError."""
    with exclusively(buildspec):
        project, image = _built(buildspec, arguments)
    platform = image.every_platform[0]
    with downloads() as report:
        emulated = frozenset({platform}) - set(native_platforms(project))
        engine = find_engine(Needs(frozenset({platform}), emulated), project.builder, report)
    say(f"starting {image.references[-1]} for {platform}; Ctrl-C ends it")
    status = attach(_command(engine, image, platform, arguments))
    if status is None:
        say("stopped")
    elif status:
        raise EngineError(Code.CONTAINER(f"{image.name} ended with status {status}"))


def _built(buildspec: Path, arguments: argparse.Namespace) -> tuple[Project, ImagePlan]:
    names = (arguments.image,) if arguments.image else ()
    selection = Selection(names, (), tuple(arguments.set), arguments.builder)
    project = open_project(buildspec, selection)
    if len(project.images) != 1:
        raise UsageError(
            Code.COMMAND_LINE("several images cannot be started at once", "name one of them")
        )
    every = project.spec.images[project.images[0]].platforms
    # Of the engine and not of this process, which may run under Rosetta, or far from it.
    native = (platform for platform in native_platforms(project) if platform in every)
    wanted = arguments.platform or next(native, every[0])
    project = open_project(buildspec, replace(selection, platforms=(wanted,)))
    # Not dist: what is there is of all platforms.
    output = private_dir(kept_for(real_path(buildspec.parent), "run"))
    options = BuildOptions(output, load=True, progress=arguments.progress)
    plan = plan_build(project, options)
    require_tags(plan)
    build_images(project, plan, options, "store")
    return project, plan.images[0]


def _command(
    engine: Engine, image: ImagePlan, platform: str, arguments: argparse.Namespace
) -> list[str]:
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    ports = [f"--publish={p.partition('/')[0]}:{p}" for p in image.config.expose]
    stated = [f"--publish={each}" for each in arguments.publish]
    # Without a bridge, what listens in the container listens on the host.
    network = ["--network=host"] if engine.network == "host" else stated or ports
    return [
        *engine.docker,
        *("run", "--rm", "--platform", platform),
        # The private engine has no program for it.
        *([] if engine.private else ["--init"]),
        *(["--interactive", "--tty"] if terminal else []),
        *network,
        *(f"--env={each}" for each in arguments.env),
        *(f"--env-file={each}" for each in arguments.env_file),
        *(f"--volume={each}" for each in arguments.volume),
        image.references[-1],
        *arguments.rest,
    ]
