"""Checks of the output folder, made before a build begins."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from nox_buildkit.errors import BuildError, Code
from nox_buildkit.files import sweep_parts
from nox_buildkit.lock.git import ask_git
from nox_buildkit.oci.layout import Layout
from nox_buildkit.plan.base import LayoutImage
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.report import figures


def require_writable(folder: Path) -> None:
    """Make ``folder`` if it is missing, and remove what a killed run left there half-written.

    Raises BuildError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep_parts(folder)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0")
    except OSError as error:
        raise BuildError(
            Code.OUTPUT(f"{folder} cannot be written: {error.strerror}", "name another --output")
        ) from None


def git_hint(folder: Path) -> str:
    """Return advice where git would take the output ``folder`` for sources; empty elsewhere."""
    above = folder.resolve().parent
    if ask_git(above, "rev-parse", "--is-inside-work-tree").strip() != "true":
        return ""
    if ask_git(above, "check-ignore", "--", folder.name).strip():
        return ""
    return (
        f"git does not ignore {folder.name}/, so 'git add' would take the images; add "
        f"'{folder.name}/' to .gitignore"
    )


def require_room(plan: Plan, output: Path, cache: Path) -> None:
    """Refuse a build that cannot have the room that it needs in ``output`` and in ``cache``.

    What images are going to take is not known yet: more than their bases, as far as those are on
    this machine. Raises BuildError.
    """
    needed = max((_base_size(image) for image in plan.images), default=0)
    for folder, hint in ((output, "make room, or name another --output"), (cache, "make room")):
        free = shutil.disk_usage(folder).free
        if free < needed:
            message = f"{folder} has room for {figures.size(free)}: the base alone takes"
            raise BuildError(Code.OUTPUT(f"{message} {figures.size(needed)}", hint))


def _base_size(image: ImagePlan) -> int:
    """Bytes of the layers that ``image`` has of bases on this machine."""
    return sum(
        layer.size
        for target in image.targets
        if isinstance(source := target.bases.base.source, LayoutImage)
        for descriptor, manifest in Layout(Path(source.folder)).images(source.digest)
        if str(descriptor.platform) in target.platforms
        for layer in manifest.layers
    )
