"""Where requirements come from, and what of it decides the lock."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from packaging.utils import canonicalize_name

from nox_buildkit.errors import Location, LockError, Problem

Kind = Literal["pyproject", "requirements", "locked"]

#: Sources that are looked for, in this order, where a spec names none.
CANDIDATES = ("pyproject.toml", "requirements.in", "requirements.txt")

#: Counts changes of how this version of the program makes a lock of the same inputs.
FORMAT = 1

_INCLUDE = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[ =]?\s*(\S+)")
_PINNED = re.compile(r"^[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?\s*==\s*[^\s;*]+")


@dataclass(frozen=True, slots=True)
class Source:
    """One set of requirements: ``path`` in, ``output`` out (the same for a finished lock).

    ``index``: NAME=URL, as uv's ``--default-index`` takes it.
    """

    path: Path
    output: Path
    kind: Kind
    python: str
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    constraints: tuple[Path, ...] = ()
    index: str | None = None
    location: Location | None = field(default=None, compare=False)


def find_source(folder: Path) -> Path | None:
    """The requirements that lie in ``folder``; a pyproject.toml counts if it has a [project]."""
    for name in CANDIDATES:
        path = folder / name
        if path.is_file() and (path.suffix != ".toml" or "project" in read_pyproject(path)):
            return path
    return None


def kind_of(path: Path) -> Kind:
    """What ``path`` is. Raises LockError for what cannot be read."""
    if path.name == "pyproject.toml":
        return "pyproject"
    lines = logical_lines(_read(path))
    requirements = [line for line in lines if not line.startswith("-")]
    if requirements and all(_PINNED.match(line) and "--hash=" in line for line in requirements):
        return "locked"
    return "requirements"


def logical_lines(text: str) -> list[str]:
    """Lines of a requirements file, continued ones joined, without comments and blank lines."""
    joined = re.sub(r"\\\r?\n", " ", text)
    stripped = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in joined.splitlines())
    return [line for line in stripped if line]


def inputs_digest(source: Source) -> str:
    """A digest of everything that decides the lock, short of what the index offers today."""
    inputs: dict[str, Any] = {
        "format": FORMAT,
        "python": source.python,
        "extras": sorted(source.extras),
        "groups": sorted(source.groups),
        "index": source.index,
        "constraints": [_included(path) for path in source.constraints],
    }
    if source.kind == "pyproject":
        inputs["project"] = _pyproject_inputs(source)
    else:
        inputs["requirements"] = _included(source.path)
    text = json.dumps(inputs, sort_keys=True, default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def read_pyproject(path: Path) -> dict[str, Any]:
    """The tables of a pyproject.toml. Raises LockError with the position of a syntax error."""
    text = _read(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        position = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(position[1]), int(position[2])) if position else (1, 1)
        cause = str(error).split(" (at ")[0]
        raise LockError(
            Problem(f"not TOML: {cause}", location=Location(str(path), line, column))
        ) from None


def _pyproject_inputs(source: Source) -> dict[str, Any]:
    tables = read_pyproject(source.path)
    project = tables.get("project", {})
    _refuse_uv_indexes(tables.get("tool", {}).get("uv", {}), source)
    optional = project.get("optional-dependencies", {})
    groups = tables.get("dependency-groups", {})
    for kind, names, known in (
        ("extra", source.extras, optional),
        ("dependency group", source.groups, groups),
    ):
        normal = {canonicalize_name(name) for name in known}
        for name in names:
            if canonicalize_name(name) not in normal:
                offered = ", ".join(sorted(known)) or "none"
                raise LockError(
                    Problem(
                        f"{source.path.name} has no {kind} '{name}'",
                        f"it has: {offered}",
                        source.location,
                    )
                )
    return {
        "dependencies": project.get("dependencies", []),
        "dynamic": "dependencies" in project.get("dynamic", []),
        "requires-python": project.get("requires-python"),
        # All of them: extras and groups may include one another.
        "optional": optional if source.extras else {},
        "groups": groups if source.groups else {},
        "uv": tables.get("tool", {}).get("uv", {}),
    }


def _refuse_uv_indexes(uv: dict[str, Any], source: Source) -> None:
    """The steps of a build do not read the project's uv settings: no index may be there."""
    for key in ("index", "index-url", "extra-index-url", "find-links"):
        if key in uv:
            raise LockError(
                Problem(
                    f"{source.path.name}: tool.uv.{key} is not known to the steps of a build",
                    "name the index in 'requirements.NAME.index' or UV_DEFAULT_INDEX",
                    source.location,
                )
            )


def _included(path: Path, seen: frozenset[Path] = frozenset()) -> list[Any]:
    """The lines of a requirements file, those of files it includes in their place."""
    if path in seen:
        raise LockError(f"{path}: includes itself")
    result: list[Any] = []
    for line in logical_lines(_read(path)):
        include = _INCLUDE.match(line)
        if include and "://" not in include[1]:
            result.append([line, _included(path.parent / include[1], seen | {path})])
        else:
            result.append(line)
    return result


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        raise LockError(Problem(f"{path}: no such file", "correct 'source'")) from None
    except IsADirectoryError:
        raise LockError(Problem(f"{path}: is a folder", "name a file")) from None
    except UnicodeDecodeError:
        raise LockError(Problem(f"{path}: not UTF-8 text", "save it as UTF-8")) from None
    except OSError as error:
        raise LockError(f"{path}: {error.strerror}") from None
