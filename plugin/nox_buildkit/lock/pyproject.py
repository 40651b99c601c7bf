"""The one reader of pyproject.toml: what of it counts here, with exact types and positions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import Field, field_validator

from nox_buildkit.errors import Code, Location, LockError
from nox_buildkit.lock.readers import (
    MAX_MANIFEST,
    Document,
    kind_of_value,
    parse_toml,
    read_text,
    toml_location,
    validated,
)

#: Keys of [project] that resolvers read, or compare with what their lock says.
PROJECT_KEYS = (
    "name", "version", "dynamic", "requires-python", "dependencies", "optional-dependencies",
)  # fmt: skip


class Project(Document):
    """The table [project] (PEP 621)."""

    name: str | None = None
    version: str | None = None
    dynamic: list[str] = Field(default=[])
    requires_python: str | None = None
    dependencies: list[str] = Field(default=[])
    optional_dependencies: dict[str, list[str]] = Field(default={})

    @field_validator("requires_python")
    @classmethod
    def _is_specifier(cls, value: str | None) -> str | None:
        return None if value is None else specifier_text(value)


class UvIndex(Document):
    """A table of ``tool.uv.index``."""

    url: str
    name: str | None = None
    default: bool = False


class Uv(Document):
    """The table [tool.uv]."""

    index: list[UvIndex] = Field(default=[])
    find_links: list[str] = Field(default=[])
    dev_dependencies: list[str] = Field(default=[])
    sources: dict[str, list[dict[str, Any]]] = Field(default={})

    @field_validator("sources", mode="before")
    @classmethod
    def _as_lists(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: each if isinstance(each, list) else [each] for name, each in value.items()}


class Tool(Document):
    """The table [tool]; of other tools than uv, that they have tables."""

    uv: Uv = Uv()
    poetry: dict[str, Any] = Field(default={})
    pdm: dict[str, Any] = Field(default={})


class Manifest(Document):
    """A pyproject.toml."""

    project: Project | None = None
    dependency_groups: dict[str, list[Any]] = Field(default={})
    tool: Tool = Tool()
    build_system: dict[str, Any] = Field(default={})

    @field_validator("dependency_groups")
    @classmethod
    def _of_strings_and_tables(cls, value: dict[str, list[Any]]) -> dict[str, list[Any]]:
        for name, group in value.items():
            for entry in group:
                if not isinstance(entry, (str, dict)):
                    kind = kind_of_value(entry)
                    raise ValueError(f"'{name}' should hold strings and tables, and holds {kind}")
        return value


@dataclass(frozen=True, slots=True)
class Pyproject:
    """A pyproject.toml: ``tables`` as they stand there, ``manifest`` what counts of them."""

    path: Path
    text: str
    tables: dict[str, Any]
    manifest: Manifest

    @property
    def project(self) -> Project:
        """[project]; empty where there is none."""
        return self.manifest.project or Project()

    def at(self, *keys: str | int) -> Location:
        """Return the place of the value of ``keys``."""
        return toml_location(self.text, self.path, keys)

    @property
    def requires_python(self) -> SpecifierSet | None:
        """The Pythons that the project accepts; None if it says nothing."""
        stated = self.project.requires_python
        return None if stated is None else SpecifierSet(stated)


def read_pyproject(path: Path) -> Pyproject:
    """Read a pyproject.toml. Raises LockError with the position of every mistake."""
    return _parsed(path, read_text(path, MAX_MANIFEST))


def beside(path: Path) -> Pyproject | None:
    """The pyproject.toml in the folder of ``path``; None if there is none. Raises LockError."""
    manifest = path.parent / "pyproject.toml"
    return read_pyproject(manifest) if manifest.is_file() else None


@lru_cache(maxsize=64)
def _parsed(path: Path, text: str) -> Pyproject:
    tables = parse_toml(text, path)
    manifest = validated(Manifest, tables, lambda keys: toml_location(text, path, keys))
    return Pyproject(path, text, tables, manifest)


def specifier_text(value: str) -> str:
    """``value``, if it is a version specifier. Raises ValueError."""
    try:
        SpecifierSet(value)
    except InvalidSpecifier:
        raise ValueError(f"'{value[:80]}' is no version specifier, such as '>=3.11'") from None
    return value


def checked_specifier(value: str, location: Location) -> SpecifierSet:
    """``value`` as what is written at ``location``. Raises LockError."""
    try:
        return SpecifierSet(specifier_text(value))
    except ValueError as error:
        raise LockError(Code.UNREADABLE_SOURCE(str(error), "correct it", location)) from None
