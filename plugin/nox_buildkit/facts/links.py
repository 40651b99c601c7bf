"""Paths of a context that lead through symbolic links."""

from __future__ import annotations

import os
from pathlib import Path

from nox_buildkit.errors import Code, PlanError

# As the kernel (path_resolution(7)).
_MOST = 40


def resolved(folder: Path, path: str, key: str = "copy") -> tuple[list[str], str]:
    """The links that ``path`` leads through, and where it ends; all relative to ``folder``.

    ``key``: the key of the spec that names it.
    Raises PlanError if that is not there, or if a link would lead elsewhere in an image.
    """
    links: list[str] = []
    waiting, here = path.split("/"), ""
    while waiting:
        part = waiting.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            if not here:
                raise _outside(folder, path, links, key)
            here = here.rpartition("/")[0]
            continue
        here = f"{here}/{part}" if here else part
        if (folder / here).is_symlink():
            links.append(here)
            target = str((folder / here).readlink())
            if target.startswith("/") or len(links) > _MOST:
                raise _outside(folder, path, links, key)
            here = here.rpartition("/")[0]
            waiting = [*target.split("/"), *waiting]
        elif not os.path.lexists(folder / here):
            message = f"'{path}' is not in the context '{folder}'"
            raise PlanError(Code.CONTEXT(message, f"correct '{key}'"))
    return list(dict.fromkeys(links)), here or "."


def _outside(folder: Path, path: str, links: list[str], key: str) -> PlanError:
    link = links[-1] if links else path
    target = str((folder / link).readlink()) if links else ".."
    message = f"'{path}' leads out of the context '{folder}': the link '{link}' is to '{target}'"
    if len(links) > _MOST:
        message = f"'{path}' is a loop of links"
    elif target.startswith("/") and key == "copy":
        message = f"'{path}' would lead nowhere in the image: the link '{link}' is to '{target}'"
    return PlanError(Code.CONTEXT(message, "make it a relative link to a path of the context"))
