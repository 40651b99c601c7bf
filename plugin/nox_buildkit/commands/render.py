"""nox -s render: the same build without this program."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path
from typing import Any

from nox_buildkit.build.baking import OVERRIDE
from nox_buildkit.build.definition import write_definition
from nox_buildkit.build.fresh_locks import fresh_sources
from nox_buildkit.build.options import Selection
from nox_buildkit.build.pipeline import provide_packages
from nox_buildkit.build.project import open_project, plan_project
from nox_buildkit.documents.sessions import RenderDocument
from nox_buildkit.engine.buildkit import PlannedEngine
from nox_buildkit.engine.flags.allow import Allow
from nox_buildkit.engine.flags.secret import Secret
from nox_buildkit.engine.planned_engine import planned_engine
from nox_buildkit.environment import ca_bundle
from nox_buildkit.errors import Code, PlanError
from nox_buildkit.facts.ignore import is_definition
from nox_buildkit.files import copy_folder, remove, write_atomic
from nox_buildkit.lock.uv_binary import uv_programs
from nox_buildkit.plan.plan import Plan
from nox_buildkit.render.bake_definition import DEFINITION, override
from nox_buildkit.report.console import downloads, say
from nox_buildkit.report.json_output import print_json


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Write a folder in which ``docker buildx bake`` builds the images. Raises NoxBuildkitError."""
    project = open_project(buildspec, Selection.of(arguments))
    folder = arguments.output.absolute()
    if folder.exists() and not folder.is_dir():
        raise PlanError(
            Code.EXISTING_FILE(f"{arguments.output} is not a folder", "name another --output")
        )
    if folder.exists() and any(folder.iterdir()) and not is_definition(folder):
        message = f"{arguments.output} holds other files"
        raise PlanError(Code.EXISTING_FILE(message, "name an --output that is empty, or new"))
    with downloads() as report:
        sources = fresh_sources(project, report)
        plan = plan_project(project, sources, report, exclude=(folder,))
    provide_packages(project, plan)
    folder.mkdir(parents=True, exist_ok=True)
    write_definition(plan, folder, "uv", _copied(plan, folder))
    machine = _machine(planned_engine(project.builder, exactly=True))
    (folder / OVERRIDE).unlink(missing_ok=True)
    if machine:
        write_atomic(folder / OVERRIDE, override({target.name: machine for target in plan.targets}))
    command = ["docker", "buildx", "bake", *_allowed(plan, folder, machine)]
    if arguments.json:
        names = tuple(image.name for image in plan.images)
        definition = str(folder / DEFINITION)
        print_json(RenderDocument(1, str(folder), definition, names, tuple(command)))
    say(f"{arguments.output / DEFINITION}: build it with")
    say(f"  cd {shlex.quote(str(arguments.output))} && {shlex.join(command)}")


def _machine(engine: PlannedEngine) -> dict[str, Any]:
    """Return the settings that this machine needs in the override file."""
    values: dict[str, Any] = {}
    if engine.network:
        values["network"] = engine.network
    # Without it, no file of this machine is named, so that others can use the folder.
    if os.environ.get("SSL_CERT_FILE") and (bundle := ca_bundle()):
        values["secret"] = [str(Secret("ca-bundle", bundle))]
    return values


def _allowed(plan: Plan, folder: Path, machine: dict[str, Any]) -> list[str]:
    """Return the options by which bake reads outside of its folder, and has the host's network."""
    paths = {os.path.relpath(target.application.sources.folder, folder) for target in plan.targets}
    paths |= {Secret.parse(secret).source for secret in machine.get("secret", ())}
    allowed = [Allow("fs.read", path) for path in sorted(paths)]
    allowed += [Allow("network.host")] if "network" in machine else []
    return [f"--allow={each}" for each in allowed]


def _copied(plan: Plan, folder: Path) -> dict[str, str]:
    """Copy what the build reads from the cache; return where each OCI layout is now."""
    emulated = {platform for target in plan.targets for platform in target.on_target}
    copy_folder(uv_programs({"linux/amd64", "linux/arm64", *emulated}), folder / "uv")
    copied = {}
    for layout in plan.layouts:
        name = Path(layout.folder).name
        remove(folder / "bases" / name)
        copy_folder(Path(layout.folder), folder / "bases" / name)
        copied[layout.folder] = f"bases/{name}"
    return copied
