"""Names of what a project requires, read from whatever states it; nothing is resolved."""

from __future__ import annotations

import ast
import configparser
import contextlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from nox_buildkit.init.lookup import is_file

#: In the order in which a build looks for them.
FILES = (
    "pyproject.toml", "Pipfile", "requirements.in", "requirements.txt", "requirements.lock",
    "setup.py", "setup.cfg",
)  # fmt: skip
#: Servers that come with an extra of another package, or with all of it.
_IMPLIED: Mapping[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "fastapi": (frozenset({"standard", "all"}), ("uvicorn", "fastapi-cli")),
    "litestar": (frozenset({"standard", "full"}), ("uvicorn",)),
    "fastapi-cli": (frozenset({"standard"}), ("uvicorn",)),
    "quart": (frozenset(), ("hypercorn",)),
    "channels": (frozenset({"daphne"}), ("daphne",)),
    "uvicorn-worker": (frozenset(), ("uvicorn",)),
    "sanic": (frozenset(), ()),
}
_DEEPEST = 8


def required_names(folder: Path, files: Sequence[str] = ()) -> dict[str, frozenset[str]]:
    """Return the packages that ``files`` of ``folder`` require, or the usual ones, with extras."""
    found: dict[str, frozenset[str]] = {}
    for name in files or FILES:
        path = folder / name
        if is_file(path):
            # Whatever is wrong with it, locking tells.
            with contextlib.suppress(OSError, ValueError, SyntaxError, configparser.Error):
                for package, extras in _names(path, _DEEPEST):
                    found[package] = found.get(package, frozenset()) | extras
    for package, (extras, implied) in _IMPLIED.items():
        if package in found and (not extras or extras & found[package]):
            found |= {name: found.get(name, frozenset()) for name in implied}
    return found


def read_tables(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file; none if it cannot be read."""
    with contextlib.suppress(OSError, ValueError):
        return tomllib.loads(path.read_text(encoding="utf-8"))
    return {}


def console_scripts(folder: Path) -> list[str]:
    """Return the programs that the project in ``folder`` installs."""
    tables = read_tables(folder / "pyproject.toml")
    poetry = tables.get("tool", {}).get("poetry", {}).get("scripts", {})
    found = [*tables.get("project", {}).get("scripts", {}), *poetry]
    with contextlib.suppress(OSError, ValueError, SyntaxError, configparser.Error):
        stated = _setup_cfg(folder / "setup.cfg").get("options.entry_points", {})
        found += _programs(stated.get("console_scripts", ""))
        found += _programs(_keyword(folder / "setup.py", "entry_points"))
    return list(dict.fromkeys(map(str, found)))


def _programs(stated: object) -> list[str]:
    """Return the names of console scripts, in the forms that setuptools takes."""
    if isinstance(stated, dict):
        stated = stated.get("console_scripts", ())
    lines = stated.splitlines() if isinstance(stated, str) else _texts(stated)
    return [line.partition("=")[0].strip() for line in lines if "=" in line]


def _names(path: Path, depth: int) -> Iterator[tuple[str, frozenset[str]]]:
    match path.name:
        case "pyproject.toml":
            tables = read_tables(path)
            yield from _parsed(_texts(tables.get("project", {}).get("dependencies")))
            yield from _of_table(tables.get("tool", {}).get("poetry", {}).get("dependencies"))
        case "Pipfile":
            yield from _of_table(read_tables(path).get("packages"))
        case "setup.py":
            yield from _parsed(_texts(_keyword(path, "install_requires")))
        case "setup.cfg":
            stated = _setup_cfg(path).get("options", {}).get("install_requires", "")
            yield from _parsed(stated.splitlines())
        case _:
            lines = path.read_text(encoding="utf-8").splitlines()
            yield from _parsed(lines)
            for line in lines if depth else ():
                included = re.match(r"\s*(?:-r|--requirement)[\s=]+(\S+)", line)
                if included and is_file(path.parent / included[1]):
                    yield from _names(path.parent / included[1], depth - 1)


def _setup_cfg(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None)
    if path.is_file():
        parser.read_string(path.read_text(encoding="utf-8"))
    return {name: dict(parser[name]) for name in parser.sections()}


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


def _keyword(path: Path, name: str) -> object:
    """Return a literal argument of the calls in a setup.py."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if path.is_file() else ():
        if isinstance(node, ast.keyword) and node.arg == name:
            with contextlib.suppress(ValueError):
                return ast.literal_eval(node.value)
    return None
