"""Requirements that a build does not find by itself, as a set of a buildspec."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nox_buildkit.errors import LockError
from nox_buildkit.init.stated import Stated
from nox_buildkit.lock.source import TOOL_LOCKS, find_source

#: What production is called, the likeliest first, and what is common to all.
_WANTED = ("production", "prod", "deploy", "main", "app", "web")
_COMMON = ("base", "common", "requirements")
_ASIDE = re.compile(r"(?:dev|develop\w*|tests?|testing|local|docs?|lint|ci|build)\b")


@dataclass(frozen=True, slots=True)
class Chosen:
    """``files`` below the context that state requirements, and the set that names them."""

    files: tuple[str, ...] = ()
    keys: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def choose(folder: Path, root: Path, files: Sequence[str], stated: Stated | None) -> Chosen:
    """Return the requirements of ``folder``: those of its Dockerfile, else those of a guess."""
    try:
        known = find_source(folder, root)
    except LockError as error:
        return Chosen(notes=tuple(map(str, error.problems)))
    if stated and (stated.extras or stated.groups) and known and _has_extras(known):
        keys: dict[str, Any] = {"source": _below(known, root)}
        keys |= {"extras": _unique(stated.extras)} if stated.extras else {}
        keys |= {"groups": _unique(stated.groups)} if stated.groups else {}
        return Chosen(keys=keys)
    if known and known.name in (*TOOL_LOCKS, "requirements.in"):
        return Chosen()
    wanted = _unique(stated.files) if stated else []
    notes: tuple[str, ...] = ()
    if not wanted and known is None:
        wanted, left = _guess(files)
        listed = ", ".join(wanted)
        notes = (
            (f"{listed}: guessed to be what is installed, and not {', '.join(left)}",)
            if left
            else ()
        )
    if not wanted or (known and wanted == [known.name] and known.parent == folder):
        return Chosen()
    paths = [_below(folder / name, root) for name in wanted]
    return Chosen(tuple(wanted), {"source": paths if len(paths) > 1 else paths[0]}, notes)


def _has_extras(path: Path) -> bool:
    return path.name in ("pyproject.toml", "uv.lock", "poetry.lock", "pdm.lock")


def _unique(names: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name and name != "main"]


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _guess(files: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the likeliest of the usual names, and the other ones that there are."""
    found: dict[str, str] = {}
    for path in sorted(files):
        if match := re.fullmatch(r"(?:requirements/|requirements[-_.])([\w-]+)\.(?:txt|in)", path):
            # What was compiled of another file is not what people state.
            found[match[1].lower()] = path
    usable = [name for name in found if not _ASIDE.match(name)]
    chosen = next((n for n in _WANTED if n in usable), None)
    common = next((n for n in _COMMON if n in usable), None)
    names = [n for n in (common, chosen) if n] or usable[:1]
    return [found[n] for n in names], [p for n, p in found.items() if n not in names]
