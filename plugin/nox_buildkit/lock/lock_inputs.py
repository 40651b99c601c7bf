"""The inputs of a lock, any change of which makes it stale."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from nox_buildkit.errors import Code, LockError
from nox_buildkit.lock.folders import contents
from nox_buildkit.lock.project_metadata import (
    path_dependencies,
    project_inputs,
    with_path_dependencies,
)
from nox_buildkit.lock.pyproject import Pyproject, read_pyproject
from nox_buildkit.lock.readers import MAX_MANIFEST, read_text
from nox_buildkit.lock.requirements_files import each_line, required_folders
from nox_buildkit.lock.source import TOOL_LOCKS, Source
from nox_buildkit.lock.uv_settings import deciding_settings

#: Counts changes of how this version of the program makes a lock of the same inputs.
FORMAT = 2


def inputs_digest(source: Source) -> str:
    """A digest of everything that decides the lock, short of what the index offers today."""
    inputs: dict[str, Any] = {
        "format": FORMAT,
        "python": source.python,
        "extras": sorted(source.extras),
        "groups": sorted(source.groups),
        "index": source.index,
        "constraints": [_lines(path) for path in source.constraints],
    }
    for key in ("package", "extra_indexes", "build"):
        if value := getattr(source, key):
            inputs[key] = value
    if source.overrides:
        inputs["overrides"] = [_lines(path) for path in source.overrides]
    if source.path.name not in TOOL_LOCKS and (settings := deciding_settings(source.path)):
        inputs["settings"] = settings
    if options := list(_build_options(source)):
        # Locks of earlier versions of the program did not state them.
        inputs["build-options"] = options
    if source.find_links:
        inputs["find_links"] = [contents(folder) for folder in source.find_links]
    if source.path.name in TOOL_LOCKS:
        inputs["lock"] = read_text(source.path)
        inputs["manifests"] = _manifests(source)
    elif source.kind == "pyproject":
        inputs["project"] = _pyproject_inputs(source)
    elif source.kind == "setup":
        inputs["folders"] = with_path_dependencies({source.path.parent}, source.path.parent, "uv")
    else:
        inputs["requirements"] = _lines(source.path)
        if source.more:
            inputs["more"] = [_lines(path) for path in source.more]
        folder = source.path.parent
        folders = [each for path in source.paths for each in required_folders(path, folder)]
        inputs["folders"] = with_path_dependencies(folders, folder, "uv")
    text = json.dumps(inputs, sort_keys=True, default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _manifests(source: Source) -> Any:
    """Return the inputs of the tool's own lock, which the tool compares itself."""
    folder = source.path.parent
    if source.kind == "pipenv":
        return read_text(folder / "Pipfile", MAX_MANIFEST)
    members: list[Path] = []
    if source.kind == "uv":
        from nox_buildkit.lock.uvlock import local_folders  # noqa: PLC0415 - of this tool

        members = local_folders(source.path)
    return with_path_dependencies({folder, *members}, folder, source.kind)


def _pyproject_inputs(source: Source) -> dict[str, Any]:
    read = read_pyproject(source.path)
    tables, project = read.tables, read.tables.get("project", {})
    _refuse_uv_indexes(read, source)
    optional = read.project.optional_dependencies
    groups = tables.get("dependency-groups", {})
    for kind, names, known in (
        ("extra", source.extras, optional),
        ("dependency group", source.groups, groups),
    ):
        if kind == "extra" and "optional-dependencies" in read.project.dynamic:
            # Only the build backend knows them.
            continue
        normal = {canonicalize_name(name) for name in known}
        for name in names:
            if canonicalize_name(name) not in normal:
                offered = ", ".join(sorted(known)) or "none"
                raise LockError(
                    Code.REQUIREMENTS_KEY(
                        f"{source.path.name} has no {kind} '{name}'",
                        f"it has: {offered}",
                        source.location,
                    )
                )
    folder = source.path.parent
    whole = project_inputs(folder)
    return {
        "dependencies": project.get("dependencies", []),
        # There only if a build backend decides what is required.
        "dynamic": [whole.get("backend"), whole.get("files")],
        "folders": with_path_dependencies(path_dependencies(folder), folder, "uv"),
        "requires-python": project.get("requires-python"),
        # All of them: extras and groups may include one another.
        "optional": optional if source.extras else {},
        "groups": groups if source.groups else {},
        "uv": tables.get("tool", {}).get("uv", {}),
    }


def _refuse_uv_indexes(read: Pyproject, source: Source) -> None:
    """The steps of a build do not read the project's uv settings: no index may be there."""
    for key in ("index", "index-url", "extra-index-url", "find-links"):
        if key in read.tables.get("tool", {}).get("uv", {}):
            what = (
                "folder in 'requirements.NAME.find-links'"
                if key == "find-links"
                else "index in 'requirements.NAME.index' or UV_DEFAULT_INDEX"
            )
            raise LockError(
                Code.REQUIREMENTS_KEY(
                    f"{source.path.name}: tool.uv.{key} is not known to the steps of a build",
                    f"name the {what}",
                    source.location,
                )
            )


def _build_options(source: Source) -> Iterator[str]:
    if source.kind == "requirements":
        lines = (line for path in source.paths for line in _lines(path))
        yield from (line for line in lines if line.startswith(("--no-binary", "--only-binary")))


def _lines(path: Path) -> list[str]:
    return [line for line, _ in each_line(path)]
