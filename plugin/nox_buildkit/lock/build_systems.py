"""Build systems of projects, before they are run: whether there is machine code to compile.

A wheel with machine code is for one platform. It is compiled where it is for, so that this machine
needs no compiler: it hands over the sources alone.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from nox_buildkit.errors import Code, PlanError

#: Make a source distribution with the tools of the compiler alone.
_BY_COMPILER = ("maturin", "mesonpy")
_COMPILING_BACKENDS = ("scikit_build_core.build", "scikit_build_core.setuptools.build_meta")
#: Required by projects to compile with.
_COMPILING = frozenset(
    ("cffi", "cython", "mypy", "mypyc", "nanobind", "pybind11", "scikit-build", "setuptools-rust")
)
#: Messages of backends that had a compiler to start, and could not or should not have.
_COMPILER = re.compile(
    r"command '[^']*(?:cc|gcc|g\+\+|c\+\+|clang)\S*' failed|fatal error: |cannot find -l"
    r"|\b(?:cargo|rustc|cmake|pkg-config|gfortran)\b|[Cc]ompiler"
)

#: Made of a project: a wheel, if that has no machine code; a source distribution; or what its
#: folder holds.
Kind = Literal["wheel", "sdist", "folder"]


def kind_of(folder: Path) -> Kind:
    """Return what is to be made of the project in ``folder`` first."""
    system = _tables(folder).get("build-system", {})
    if not isinstance(system, dict):
        return "wheel"
    backend = str(system.get("build-backend", "")).partition(":")[0]
    if backend in _BY_COMPILER:
        return "folder"
    required = {_name(each) for each in _listed(system.get("requires"))}
    return "sdist" if backend in _COMPILING_BACKENDS or required & _COMPILING else "wheel"


def is_of_compiler(message: str) -> bool:
    """Tell whether ``message`` of a build backend is about compiling."""
    return bool(_COMPILER.search(message))


def name_and_version(folder: Path) -> tuple[str, str]:
    """Return what the project in ``folder`` is called, where no backend is asked.

    Raises PlanError if that is not stated.
    """
    tables = _tables(folder)
    project = tables.get("project", {})
    name, version = project.get("name"), project.get("version") or _of_cargo(folder, tables)
    if isinstance(name, str) and isinstance(version, str):
        return name, version
    key = "version" if isinstance(name, str) else "name"
    message = f"{folder}: its {key} is not known before it is compiled"
    raise PlanError(
        Code.OWN_PACKAGE(message, f"state '{key}' in the [project] of its pyproject.toml")
    )


def _of_cargo(folder: Path, tables: dict[str, Any]) -> object:
    stated = tables.get("tool", {}).get("maturin", {}).get("manifest-path", "Cargo.toml")
    return _tables(folder, str(stated)).get("package", {}).get("version")


def _tables(folder: Path, name: str = "pyproject.toml") -> dict[str, Any]:
    try:
        return tomllib.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # The backend has more to say of it.
        return {}


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _name(requirement: object) -> str:
    try:
        return canonicalize_name(Requirement(str(requirement)).name)
    except InvalidRequirement:
        return ""
