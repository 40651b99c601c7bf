"""The layers of the application: its sources, and what surrounds them."""

from __future__ import annotations

from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import CopySources, PlaceFiles
from nox_buildkit.plan.stages import TAKEN
from nox_buildkit.render.inputs import INPUTS, SCRIPTS, TAKEN_FILES, folder_of
from nox_buildkit.render.stages.shared import (
    FINISH,
    GIVE,
    OWNER_MOUNT,
    bytecode_cache,
    offline_run,
)


def copy_sources(image: ImagePlan, operation: CopySources) -> list[str]:
    """Copy the sources, and compile their byte code."""
    mounts = [bytecode_cache(image), *([OWNER_MOUNT] if operation.owned else [])]
    give = f" && {GIVE}" if operation.owned else ""
    return ['COPY [".", "/layer$WORKDIR/"]', *offline_run(*mounts), f"    {FINISH}{give}"]


def place_files(image: ImagePlan, operation: PlaceFiles) -> list[str]:
    """Make the user's name, its folders, and the placed files."""
    images = image.application.taken_images
    mounts, base = [folder_of(operation.placement).mount()], "/"
    if operation.below:
        base = "/run/base"
        mounts.append(f"--mount=type=bind,from={operation.below},target={base}")
    mounts += [
        f"--mount=type=bind,from={TAKEN}{images[file.image]},source={file.source},"
        f"target={TAKEN_FILES}/{number}"
        for number, file in enumerate(operation.placement.taken)
    ]
    place = f"python3 -I {SCRIPTS}/surroundings.py {INPUTS}/surroundings.json {base} /layer"
    # What Python finds of a module is its byte code; that of a file below would win.
    modules = any(file.target.endswith(".py") for file in operation.placement.files)
    if modules or operation.placement.taken:
        mounts.append(bytecode_cache(image))
        place += f" && {FINISH} --keep-modes"
    return [*offline_run(*mounts), f"    {place}"]
