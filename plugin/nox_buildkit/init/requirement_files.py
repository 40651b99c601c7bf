"""Requirements that a build does not find by itself, as a set of a buildspec."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nox_buildkit.buildspec.model.requirement_set import Requirements
from nox_buildkit.errors import LockError
from nox_buildkit.init.acceptable import acceptable
from nox_buildkit.init.requirements import read_tables
from nox_buildkit.init.stated import ALL, Stated
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
        tables = read_tables(folder / "pyproject.toml")
        poetry = tables.get("tool", {}).get("poetry", {})
        extras = tables.get("project", {}).get("optional-dependencies") or poetry.get("extras", {})
        groups = tables.get("dependency-groups") or poetry.get("group", {})
        keys |= {"extras": _named(stated.extras, extras)} if stated.extras else {}
        keys |= {"groups": _named(stated.groups, groups)} if stated.groups else {}
        keys, refused = acceptable(Requirements, keys)
        wanted_parts = keys.get("extras") or keys.get("groups")
        return Chosen(keys=keys if wanted_parts else {}, notes=_said(refused))
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
    keys, refused = acceptable(Requirements, {"source": paths})
    taken = keys.get("source", [])
    source = {"source": taken if len(taken) > 1 else taken[0]} if taken else {}
    return Chosen(tuple(wanted), source, (*notes, *_said(refused)))


def _said(refused: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"requirements: {reason}" for reason in refused)


def _has_extras(path: Path) -> bool:
    return path.name in ("pyproject.toml", "uv.lock", "poetry.lock", "pdm.lock")


def _named(stated: Sequence[str], known: Iterable[str]) -> list[str]:
    """Return the names that are ``stated``, and those ``known`` where all are."""
    return _unique([each for name in stated for each in (known if name == ALL else (name,))])


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
