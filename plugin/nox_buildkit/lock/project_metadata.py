"""The files that decide the requirements of a project, and of its path dependencies.

A build backend may read other files for what its pyproject.toml calls dynamic. All files that could
be meant count, since asking the backend would run foreign code to learn that nothing changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from nox_buildkit.files import real_path
from nox_buildkit.lock.direct_references import stated_path
from nox_buildkit.lock.pyproject import PROJECT_KEYS, Pyproject, read_pyproject
from nox_buildkit.lock.readers import digest_of, read_text

#: First words of a lock that is made here, which is never what it is made of.
MADE_HERE = ("# Locked by nox-buildkit", "# Exported by nox-buildkit")

_DYNAMIC = {"dependencies", "optional-dependencies"}

_FILE = re.compile(r"[\w./-]{1,200}\.(?:txt|in|toml|cfg|json|ya?ml)\b")
_ADDRESS = re.compile(r"@\s*(file:[^\s;]+)")

#: Where requirements lie by convention.
_USUAL = ("requirements*.txt", "requirements*.in", "requirements/*.txt", "requirements/*.in")


def with_path_dependencies(folders: Iterable[Path], base: Path, tool: str) -> dict[str, Any]:
    """Return the inputs of ``folders`` and of their path dependencies, by path.

    Paths are relative to ``base``; ``tool``: whose table counts. Raises LockError.
    """
    found: dict[str, Any] = {}
    waiting = [real_path(folder) for folder in folders]
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        name = os.path.relpath(path, base)
        # What a line states may be too long for a path, or hold a character that none has.
        if os.path.isfile(path):  # noqa: PTH113
            found[name] = digest_of(path)
        elif os.path.isdir(path):  # noqa: PTH112
            found[name] = project_inputs(path, tool)
            waiting += path_dependencies(path)
    return found


def project_inputs(folder: Path, tool: str = "uv") -> dict[str, Any]:
    """Return the inputs of the project in ``folder``; ``tool``: owner of the table that counts."""
    manifest = folder / "pyproject.toml"
    project = read_pyproject(manifest) if manifest.is_file() else None
    tables = project.tables if project else {}
    table = tables.get("project", {})
    inputs: dict[str, Any] = {
        "project": {key: table[key] for key in PROJECT_KEYS if key in table},
        "groups": tables.get("dependency-groups", {}),
        "tool": tables.get("tool", {}).get(tool, {}),
    }
    if project is None or is_dynamic(project):
        inputs["backend"] = [tables.get("build-system"), _backend_tables(tables)]
        inputs["files"] = dynamic_files(folder, tables)
    return inputs


def is_dynamic(project: Pyproject) -> bool:
    """Tell whether a build backend decides what ``project`` requires."""
    stated = project.manifest.project
    return stated is None or not _DYNAMIC.isdisjoint(stated.dynamic)


def dynamic_files(folder: Path, tables: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of the files that a build backend may read for the requirements of ``folder``."""
    texts = [text for text in _strings(_backend_tables(tables)) if len(text) < 256]
    paths = {folder / "setup.py", folder / "setup.cfg"}
    for path in sorted(paths):
        if path.is_file():
            texts += _FILE.findall(read_text(path))
    paths |= {folder / text for text in texts if _FILE.fullmatch(text)}
    paths |= {path for pattern in _USUAL for path in folder.glob(pattern)}
    files = {path for path in paths if path.is_file() and not _made_here(path)}
    return {os.path.relpath(path, folder): digest_of(path) for path in sorted(files)}


def path_dependencies(folder: Path) -> list[Path]:
    """Folders and files that the project in ``folder`` requires by their paths."""
    manifest = folder / "pyproject.toml"
    if not manifest.is_file():
        return []
    project = read_pyproject(manifest)
    return [real_path(path) for path in _paths(project, folder)]


def _paths(project: Pyproject, folder: Path) -> Iterator[Path]:
    workspace: list[str] = []
    for name, entries in project.manifest.tool.uv.sources.items():
        for entry in entries:
            if isinstance(entry.get("path"), str):
                yield folder / entry["path"]
            if entry.get("workspace"):
                workspace.append(canonicalize_name(name))
    if workspace:
        yield from (p for name, p in _workspace(folder) if canonicalize_name(name) in workspace)
    stated = project.tables
    for text in _strings([stated.get("project"), stated.get("dependency-groups")]):
        if found := _ADDRESS.search(text):
            yield folder / stated_path(found[1])
    for table in _tables(project.manifest.tool.poetry):
        if isinstance(table.get("path"), str):
            yield folder / table["path"]


def _workspace(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and folder of the members of the uv workspace that ``folder`` is in."""
    for root in (folder, *folder.parents):
        manifest = root / "pyproject.toml"
        if not manifest.is_file():
            continue
        workspace = read_pyproject(manifest).tables.get("tool", {}).get("uv", {}).get("workspace")
        if not isinstance(workspace, dict):
            continue
        patterns = [each for each in _strings(workspace.get("members")) if _is_pattern(each)]
        for path in (root, *(path for pattern in patterns for path in root.glob(pattern))):
            if (path / "pyproject.toml").is_file():
                name = read_pyproject(path / "pyproject.toml").project.name
                if name:
                    yield name, path
        return


def _is_pattern(text: str) -> bool:
    """Tell whether Path.glob takes it, which refuses absolute ones."""
    return bool(text) and not text.startswith("/") and "**" not in text


def _backend_tables(tables: dict[str, Any]) -> dict[str, Any]:
    tools = {name: table for name, table in tables.get("tool", {}).items() if name != "uv"}
    setuptools = tools.get("setuptools")
    if isinstance(setuptools, dict):
        # Its other files are read for other metadata.
        dynamic = setuptools.get("dynamic")
        stated = dynamic if isinstance(dynamic, dict) else {}
        tools["setuptools"] = {key: stated[key] for key in sorted(_DYNAMIC) if key in stated}
    backends = ("setuptools", "hatch", "flit", "pdm", "poetry", "scikit-build", "maturin")
    return {name: tools[name] for name in backends if name in tools}


def _made_here(path: Path) -> bool:
    with path.open(errors="replace") as file:
        return file.read(64).startswith(MADE_HERE)


def _strings(value: object) -> Iterator[str]:
    for each in _values(value):
        if isinstance(each, str):
            yield each


def _tables(value: object) -> Iterator[dict[str, Any]]:
    for each in _values(value):
        if isinstance(each, dict):
            yield each


def _values(value: object) -> Iterator[object]:
    waiting = [value]
    while waiting:
        here = waiting.pop()
        yield here
        if isinstance(here, dict):
            waiting += here.values()
        elif isinstance(here, list):
            waiting += here
