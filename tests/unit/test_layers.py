"""Packages import only what is below them, and the pure ones reach nothing outside."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import nox_buildkit

PACKAGE = Path(nox_buildkit.__file__).parent
NAME = PACKAGE.name

#: From the ground up: a package imports itself and those that come before it, lazily or not.
LAYERS = (
    "printable", "errors", "explanations", "interruption", "streams", "progress", "stopwatch",
    "observation", "run", "mounts", "files", "output_files", "at_once", "cache_entries",
    "environment",
    "file_digests", "project_folder", "up_to_date",
    "oci", "debian", "buildspec", "plan", "lock", "bases", "engine", "facts", "render",
    "results", "verify", "release", "report", "build", "doctor", "init", "documents", "commands",
    "arguments", "perform", "completion", "sessions", "__main__",
)  # fmt: skip

#: Values in, values out.
PURE = ("buildspec", "documents", "plan", "render", "results")
OUTSIDE = {
    "asyncio", "http", "multiprocessing", "nox", "python_on_whales", "random", "requests",
    "socket", "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
REACHING = {("os", "environ"), ("os", "getenv"), ("datetime", "now"), ("Path", "cwd")}

#: Programs that run inside a build: files of data to the rest of the package.
SCRIPTS = PACKAGE / "render" / "scripts"
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "__init__.py"]


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == NAME:
            yield from (f"{NAME}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_every_package_has_a_layer() -> None:
    assert {layer_of(path) for path in MODULES} == set(LAYERS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_layers_below_its_own(path: Path) -> None:
    own = LAYERS.index(layer_of(path))
    used = {
        name.split(".")[1]
        for name in imported(ast.parse(path.read_text()))
        if name.startswith(f"{NAME}.")
    }

    assert not {layer for layer in used if LAYERS.index(layer) > own}


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if layer_of(path) in PURE and path.parent != SCRIPTS],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_pure_modules_do_not_reach_out(path: Path) -> None:
    tree = ast.parse(path.read_text())
    attributes = {
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }

    assert not set(imported(tree)) & OUTSIDE
    assert not attributes & REACHING


def test_what_finds_out_that_nothing_changed_imports_nothing_that_builds() -> None:
    script = "import sys, nox_buildkit.commands.build; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    loaded = set(done.stdout.split())
    assert "nox_buildkit.build.planning" in loaded
    building = ("build.pipeline", "bases.debian_base", "engine.find", "engine.bake", "lock.resolve")
    assert loaded.isdisjoint(f"{NAME}.{module}" for module in building)
    assert loaded.isdisjoint({"elftools", "http.client", "python_on_whales", "requests", "semver"})


def test_only_one_module_imports_nox() -> None:
    importing = {
        path.name
        for path in MODULES
        if "nox" in {name.split(".")[0] for name in imported(ast.parse(path.read_text()))}
    }

    assert importing == {"sessions.py"}


#: A program that is not waited for with a time limit: its output is read as it comes, or goes into
#: a file; it has the terminal; it is a daemon; or it is umount, which the removal of files needs.
STARTING = {
    "run",
    "mounts",
    "bases.unpack",
    "debian.suite",
    "engine.bake",
    "engine.foreground",
    "engine.private.daemons",
}


def test_programs_are_run_in_one_way() -> None:
    found = {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for path in MODULES
        if path.parent != SCRIPTS and "subprocess" in imported(ast.parse(path.read_text()))
    }
    assert found == STARTING


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_and_functions_fit_in_a_head(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 250
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert not [f.name for f in functions if (f.end_lineno or 0) - f.lineno >= 40]
