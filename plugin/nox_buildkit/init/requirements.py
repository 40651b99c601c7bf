"""Names of what a project requires, read from whatever states it; nothing is resolved."""

from __future__ import annotations

import ast
import contextlib
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

#: In the order in which a build looks for them.
FILES = (
    "pyproject.toml", "Pipfile", "requirements.in", "requirements.txt", "requirements.lock",
    "setup.py", "setup.cfg",
)  # fmt: skip
_PLAIN = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(\[[^\]]*\])?")


def required_names(folder: Path) -> dict[str, frozenset[str]]:
    """Return the packages that files of ``folder`` require, with their extras."""
    found: dict[str, frozenset[str]] = {}
    for name in FILES:
        path = folder / name
        if path.is_file():
            # Whatever is wrong with it, locking tells.
            with contextlib.suppress(OSError, ValueError, SyntaxError):
                for package, extras in _names(path):
                    found[package] = found.get(package, frozenset()) | extras
    return found


def read_tables(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file; none if it cannot be read."""
    with contextlib.suppress(OSError, ValueError):
        return tomllib.loads(path.read_text(encoding="utf-8"))
    return {}


def _names(path: Path) -> Iterator[tuple[str, frozenset[str]]]:
    match path.name:
        case "pyproject.toml":
            tables = read_tables(path)
            yield from _parsed(_texts(tables.get("project", {}).get("dependencies")))
            yield from _of_table(tables.get("tool", {}).get("poetry", {}).get("dependencies"))
        case "Pipfile":
            yield from _of_table(read_tables(path).get("packages"))
        case "setup.py":
            yield from _parsed(_install_requires(path.read_text(encoding="utf-8")))
        case _:
            yield from _parsed(path.read_text(encoding="utf-8").splitlines())


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _parsed(lines: Iterable[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for line in lines:
        try:
            requirement = Requirement(line.partition(" #")[0].split(" \\")[0].strip())
        except InvalidRequirement:
            continue
        yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def _of_table(table: object) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the packages of a table in Poetry's and Pipenv's form."""
    for name, stated in table.items() if isinstance(table, dict) else ():
        extras = stated.get("extras", ()) if isinstance(stated, dict) else ()
        yield canonicalize_name(name), frozenset(map(str, extras))


def _install_requires(text: str) -> list[str]:
    """Return the literal ``install_requires`` of a setup.py."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword) and node.arg == "install_requires":
            with contextlib.suppress(ValueError):
                return _texts(ast.literal_eval(node.value))
    return []
