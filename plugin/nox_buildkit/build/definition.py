"""The files of a definition, in the folder where buildx finds them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nox_buildkit.files import copy_atomic, link, remove, write_atomic
from nox_buildkit.lock.wheelhouse import place_of
from nox_buildkit.plan.plan import Plan
from nox_buildkit.render.bake_definition import copies, render


def write_definition(
    plan: Plan, folder: Path, uv: str, layouts: Mapping[str, str] | None = None
) -> None:
    """Write the files of the definition into ``folder``, and remove what an earlier plan left.

    ``layouts``: where OCI layouts are, if ``folder`` is to be whole by itself.
    """
    remove(folder / "inputs")
    rendered = render(plan, str(folder), uv, layouts)
    for pattern in ("*.Dockerfile", "*.Dockerfile.dockerignore"):
        for old in folder.glob(pattern):
            if old.name not in rendered:
                old.unlink()
    for name, text in rendered.items():
        write_atomic(folder / name, text)
    linked: set[Path] = set()
    for name, file in copies(plan).items():
        source = Path(file.path) if file.path else place_of(file.sha256, Path(name).name)
        # BuildKit is told of a second name as of a link, which a step need not have.
        if file.path or layouts is not None or source in linked:
            copy_atomic(source, folder / name)
        else:
            link(source, folder / name)
            linked.add(source)
