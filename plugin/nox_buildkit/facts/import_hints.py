"""Imports of packages that are in a development group alone, which an image does not have."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from nox_buildkit.errors import NoxBuildkitError
from nox_buildkit.lock.pyproject import read_pyproject

#: Tests have the packages of their group.
_TEST = re.compile(r"(?:^|/)(?:tests?|testing)/|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py$")


def development_imports(
    folder: Path, files: Sequence[str], groups: Collection[str], locked: Collection[str]
) -> Iterator[str]:
    """Yield a sentence for each package that sources import and only a group left out has.

    ``files``: the sources, relative to ``folder``; ``groups``: those that are installed;
    ``locked``: names of packages that are. A module is taken to be called as its package.
    """
    missing = _left_out(folder, groups, locked)
    if not missing:
        return
    own = {PurePosixPath(path).parts[0].removesuffix(".py") for path in files}
    modules = {name.replace("-", "_"): name for name in missing}
    for module in {*own, *sys.stdlib_module_names}:
        modules.pop(module, None)
    if not modules:
        return
    found: dict[str, str] = {}
    for path in files:
        if path.endswith(".py") and not _TEST.search(path):
            for module, line in _imports(folder / path, modules):
                found.setdefault(modules[module], f"{path}:{line}")
    for name, place in found.items():
        yield (
            f"{place} imports {name}, which only the group '{missing[name]}' has, and that is not "
            "installed; move it to the project's dependencies, or name the group in 'groups'"
        )


def _left_out(folder: Path, groups: Collection[str], locked: Collection[str]) -> dict[str, str]:
    """Return packages that only a group has which is not installed, and the group."""
    path = folder / "pyproject.toml"
    try:
        tables = read_pyproject(path).tables if path.is_file() else {}
    except NoxBuildkitError:
        return {}
    installed = {canonicalize_name(group) for group in groups}
    found: dict[str, str] = {}
    for group, listed in _groups(tables):
        if canonicalize_name(group) not in installed:
            for name in listed:
                found.setdefault(name, group)
    return {name: group for name, group in found.items() if name not in locked}


def _groups(tables: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield each group of PEP 735 and of Poetry, with the names of its packages."""
    for group, listed in _table(tables, "dependency-groups").items():
        yield group, [_name(each) for each in listed if isinstance(each, str)]
    for group, table in _table(tables, "tool", "poetry", "group").items():
        yield group, [canonicalize_name(name) for name in _table(table, "dependencies")]


def _table(table: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else {}


def _name(requirement: str) -> str:
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:
        return ""


def _imports(path: Path, modules: Collection[str]) -> Iterator[tuple[str, int]]:
    """Yield those of ``modules`` that ``path`` cannot be imported without, with their lines."""
    try:
        source = path.read_bytes()
        if not any(module.encode() in source for module in modules):
            return
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(source)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    # What is in a function, or may fail, or is for type checkers, is no part of every start.
    for node in tree.body:
        names = [x.name for x in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            if (module := name.partition(".")[0]) in modules:
                yield module, node.lineno
