"""The files of a definition, in the folder where buildx finds them."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from nox_buildkit.files import copy_atomic, link, remove, write_atomic
from nox_buildkit.lock.wheelhouse import place_of
from nox_buildkit.plan.plan import Plan
from nox_buildkit.render.bake_definition import copies, render


def write_definition(
    plan: Plan, folder: Path, uv: str, layouts: Mapping[str, str] | None = None
) -> None:
    """Write the files of the definition into ``folder``, and remove what an earlier plan left.

    What is there already stays, so that BuildKit need not be sent it again. ``layouts``: where OCI
    layouts are, if ``folder`` is to be whole by itself.
    """
    rendered, copied = render(plan, str(folder), uv, layouts), copies(plan)
    _forget_others(folder, "inputs", {*rendered, *copied})
    for pattern in ("*.Dockerfile", "*.Dockerfile.dockerignore"):
        for old in folder.glob(pattern):
            if old.name not in rendered:
                old.unlink()
    for name, text in rendered.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != text.encode():
            write_atomic(path, text)
    linked: set[Path] = set()
    for name, file in copied.items():
        source = Path(file.path) if file.path else place_of(file.sha256, Path(name).name)
        # BuildKit is told of a second name as of a link, which a step need not have.
        if file.path or layouts is not None or source in linked:
            copy_atomic(source, folder / name)
        else:
            link(source, folder / name)
            linked.add(source)


def _forget_others(root: Path, name: str, wanted: Collection[str]) -> None:
    """Remove all files and folders of the folder ``name`` below ``root`` but those ``wanted``."""
    folders = {str(parent) for path in wanted for parent in PurePosixPath(path).parents}
    top = root / name
    if top.is_symlink() or not top.is_dir():
        remove(top)
        return
    pending = [name]
    while pending:
        for entry in list(os.scandir(root / pending.pop())):
            path = str(Path(entry.path).relative_to(root))
            if path in folders and entry.is_dir(follow_symlinks=False):
                pending.append(path)
            elif path not in wanted or not entry.is_file(follow_symlinks=False):
                remove(Path(entry.path))
