"""A uv.lock as uv makes it: which projects it is of, and whether it fits them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import uv

from nox_buildkit.lock.source import find_source
from nox_buildkit.lock.uvlock import changes_since, workspace_members

PROJECT = '[project]\nname = "{name}"\nversion = "1.0"\nrequires-python = ">=3.9"\n{more}'
LIBRARY = 'dependencies = ["lib{pin}"]\n[dependency-groups]\ndev = ["lib{pin}"]\n'


def locked(root: Path, projects: dict[str, str]) -> Path:
    """The lock of projects, by their folders; a project is named as its folder."""
    for folder, more in projects.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        text = PROJECT.format(name=(root / folder).name, more=more)
        (root / folder / "pyproject.toml").write_text(text)
    command = [uv.find_uv_bin(), "lock", "--quiet", "--offline", "--python", sys.executable]
    subprocess.run(command, cwd=root, check=True)
    return root / "uv.lock"


@pytest.mark.parametrize(
    "stated",
    [
        "{workspace = true}\n[tool.uv.workspace]\nmembers = ['libs/*']\n",
        "{path = 'libs/lib', editable = true}\n",
        "{path = 'libs/lib'}\n",
        "[{path = 'libs/lib', marker = \"sys_platform != 'win32'\"}, "
        "{path = 'libs/lib', editable = true, marker = \"sys_platform == 'win32'\"}]\n",
    ],
)
def test_a_lock_fits_what_has_a_source_of_its_own(tmp_path: Path, stated: str) -> None:
    """uv notes no specifier of it."""
    sources = f"[tool.uv.sources]\nlib = {stated}"
    projects = {"": LIBRARY.format(pin=">=0.1") + sources, "libs/lib": ""}
    lock = locked(tmp_path, projects)
    assert not list(changes_since(lock))

    manifest = tmp_path / "pyproject.toml"
    manifest.write_text(manifest.read_text().replace('= ["lib>=0.1"]', '= ["lib>=0.1", "six"]'))
    (problem,) = changes_since(lock)
    assert problem.message.startswith("uv.lock does not fit what ")


def test_a_path_dependency_is_no_member_of_a_workspace(tmp_path: Path) -> None:
    sources = "[tool.uv.sources]\nlib = {path = 'libs/lib', editable = true}\n"
    projects = {"": LIBRARY.format(pin="") + sources, "libs/lib": ""}
    lib = tmp_path / "libs" / "lib"
    assert workspace_members(locked(tmp_path, projects)) == [tmp_path]
    assert find_source(lib, tmp_path) == lib / "pyproject.toml"

    projects[""] += "[tool.uv.workspace]\nmembers = ['apps/*']\n"
    projects["apps/app"] = ""
    lock = locked(tmp_path, projects)
    assert set(workspace_members(lock)) == {tmp_path, tmp_path / "apps" / "app"}
    assert find_source(lib, tmp_path) == lib / "pyproject.toml"
    assert find_source(tmp_path / "apps" / "app", tmp_path) == lock
