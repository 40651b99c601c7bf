"""spec, plan and render know nothing of the outside: no process, network, clock or environment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import nox_buildkit

PACKAGE = Path(nox_buildkit.__file__).parent
#: Runs inside a build, and is a data file to the rest of the program.
SCRIPTS = {
    PACKAGE / "render" / name
    for name in ("layer.py", "prestart.py", "surroundings.py", "wheels.py")
}
PURE = [
    path
    for folder in ("spec", "plan", "render")
    for path in sorted((PACKAGE / folder).glob("*.py"))
    if path not in SCRIPTS
]
OUTSIDE = {
    "asyncio", "http", "multiprocessing", "nox", "python_on_whales", "random", "requests",
    "socket", "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
#: What comes later in the flow of data, or reaches out.
LATER = {"bases", "commands", "engine", "facts", "lock", "report", "sessions", "files"}
REACHING = {("os", "environ"), ("os", "getenv"), ("datetime", "now"), ("Path", "cwd")}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", PURE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_pure_modules_do_not_reach_out(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = set(imported(tree))
    attributes = {
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }

    assert not names & OUTSIDE
    assert not {n.split(".")[1] for n in names if n.startswith("nox_buildkit.")} & LATER
    assert not attributes & REACHING


def test_only_one_module_imports_nox() -> None:
    importing = {
        path.name
        for path in PACKAGE.rglob("*.py")
        if {"nox"} & {name.split(".")[0] for name in imported(ast.parse(path.read_text()))}
    }

    assert importing == {"sessions.py"}
