"""What a uv.lock says of the projects that it was made for (the members of a workspace)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from nox_buildkit.errors import Location, LockError
from nox_buildkit.lock.indexes import folder_at, index_at
from nox_buildkit.lock.source import read_pyproject, read_text

_REQUIRES_PYTHON = re.compile(r'^requires-python = "([^"]*)"$', re.MULTILINE)

#: A dependency as both files state it, whatever its spelling.
Pin = tuple[str, SpecifierSet]


def requires_python(lock: Path) -> str:
    """The Python versions that ``lock`` was made for, as a version specifier."""
    found = _REQUIRES_PYTHON.search(read_text(lock))
    return found[1] if found else ""


def named_indexes(lock: Path) -> tuple[str | None, tuple[str, ...]]:
    """The indexes that the project of ``lock`` names in tool.uv: the default one, and the others.

    Each is NAME=URL, so that UV_INDEX_<NAME>_* variables hold its credentials. Raises LockError for
    what a step of a build cannot reach, and for credentials.
    """
    default, others = None, []
    for index in _settings(lock).get("index", []):
        url = index_at(str(index["url"]), _manifest(lock))
        named = f"{index['name']}={url}" if "name" in index else url
        if index.get("default"):
            default = named
        else:
            others.append(named)
    return default, tuple(others)


def named_folders(lock: Path) -> tuple[Path, ...]:
    """The folders of files that the project of ``lock`` names in tool.uv.

    Raises LockError for a page of links, and for a folder that is not there.
    """
    named = _settings(lock).get("find-links", [])
    return tuple(folder_at(str(name), _manifest(lock)) for name in named)


def _manifest(lock: Path) -> Location:
    return Location(str(lock.parent / "pyproject.toml"), 1, 1, "tool.uv")


def _settings(lock: Path) -> dict[str, Any]:
    """The tool.uv of the project of ``lock``."""
    path = Path(_manifest(lock).file)
    tables = read_pyproject(path) if path.is_file() else {}
    settings: dict[str, Any] = tables.get("tool", {}).get("uv", {})
    return settings


def changed_members(lock: Path) -> Iterator[str]:
    """Names of the members whose dependencies are not those that ``lock`` was made of.

    It is what can be told without a Python that the members accept; uv itself compares more.
    """
    try:
        packages = tomllib.loads(read_text(lock)).get("package", [])
    except tomllib.TOMLDecodeError as error:
        raise LockError(f"not TOML: {error}") from None
    for package in packages:
        source = package.get("source", {})
        folder = source.get("editable") or source.get("virtual") or source.get("directory")
        manifest = lock.parent / str(folder) / "pyproject.toml"
        if folder and manifest.is_file():
            stated = read_pyproject(manifest)
            dynamic = "dependencies" in stated.get("project", {}).get("dynamic", [])
            if not dynamic and _stated(stated) != _locked(package.get("metadata", {})):
                yield str(package["name"])


def _stated(tables: dict[str, Any]) -> set[Pin]:
    project = tables.get("project", {})
    texts = [*project.get("dependencies", [])]
    texts += tables.get("tool", {}).get("uv", {}).get("dev-dependencies", [])
    texts += [t for extra in project.get("optional-dependencies", {}).values() for t in extra]
    texts += [
        text
        for group in tables.get("dependency-groups", {}).values()
        for text in group
        if isinstance(text, str)
    ]
    return set(_pins(texts))


def _pins(texts: Iterable[str]) -> Iterator[Pin]:
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            raise LockError(f"'{text}' is not a requirement") from None
        yield canonicalize_name(requirement.name), requirement.specifier


def _locked(metadata: dict[str, Any]) -> set[Pin]:
    groups = metadata.get("requires-dev", {}).values()
    entries = [*metadata.get("requires-dist", []), *(e for group in groups for e in group)]
    return {
        (canonicalize_name(entry["name"]), SpecifierSet(entry.get("specifier", "")))
        for entry in entries
    }
