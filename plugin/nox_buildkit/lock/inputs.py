"""What of a source decides its lock, and so makes a lock stale when it changes."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from nox_buildkit.errors import LockError, Problem
from nox_buildkit.files import real_path
from nox_buildkit.lock.folders import contents
from nox_buildkit.lock.source import (
    TOOL_LOCKS,
    Source,
    logical_lines,
    read_pyproject,
    read_text,
    workspace_members,
)

#: Counts changes of how this version of the program makes a lock of the same inputs.
FORMAT = 1

_INCLUDE = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[ =]?\s*(\S+)")

#: Keys of [project] that tools resolve, or compare with what their lock says.
_PROJECT_KEYS = (
    "name", "version", "dynamic", "requires-python", "dependencies", "optional-dependencies",
)  # fmt: skip


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
    for key in ("package", "extra_indexes"):
        if value := getattr(source, key):
            inputs[key] = value
    if source.overrides:
        inputs["overrides"] = [_included(path) for path in source.overrides]
    if source.find_links:
        inputs["find_links"] = [contents(folder) for folder in source.find_links]
    if source.path.name in TOOL_LOCKS:
        inputs["lock"] = read_text(source.path)
        inputs["manifests"] = _manifests(source)
    elif source.kind == "pyproject":
        inputs["project"] = _pyproject_inputs(source)
    else:
        inputs["requirements"] = _included(source.path)
    text = json.dumps(inputs, sort_keys=True, default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _manifests(source: Source) -> list[Any]:
    """What the tool's lock is made from, since the tool calls a lock stale that does not fit."""
    folder = source.path.parent
    if source.kind == "pipenv":
        return [read_text(folder / "Pipfile")]
    folders = {folder.resolve()}
    if source.kind == "uv":
        folders |= set(workspace_members(source.path))
    paths = [path for each in sorted(folders) if (path := each / "pyproject.toml").is_file()]
    return [_manifest(read_pyproject(path), source.kind) for path in paths]


def _manifest(tables: dict[str, Any], tool: str) -> dict[str, Any]:
    project = tables.get("project", {})
    return {
        "project": {key: project[key] for key in _PROJECT_KEYS if key in project},
        "groups": tables.get("dependency-groups", {}),
        "tool": tables.get("tool", {}).get(tool, {}),
    }


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
            what = (
                "folder in 'requirements.NAME.find-links'"
                if key == "find-links"
                else "index in 'requirements.NAME.index' or UV_DEFAULT_INDEX"
            )
            raise LockError(
                Problem(
                    f"{source.path.name}: tool.uv.{key} is not known to the steps of a build",
                    f"name the {what}",
                    source.location,
                )
            )


def _included(path: Path, seen: frozenset[Path] = frozenset()) -> list[Any]:
    """The lines of a requirements file, those of files it includes in their place."""
    if path in seen:
        raise LockError(f"{path}: includes itself")
    result: list[Any] = []
    for line in logical_lines(read_text(path)):
        include = _INCLUDE.match(line)
        if include and "://" not in include[1]:
            result.append([line, _included(real_path(path.parent / include[1]), seen | {path})])
        else:
            result.append(line)
    return result
