"""The tutorial, from an empty folder to a pushed image: every command as it stands there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import uv

from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.pages import run_page, steps
from tests.support.project import Project
from tests.support.real_parts import free_port

ROOT = Path(__file__).parents[3]
TUTORIAL = ROOT / "docs/tutorial.md"


def test_the_tutorial(private_engine: PrivateEngine, registry: str, tmp_path: Path) -> None:
    wheels, folder = tmp_path / "wheels", tmp_path / "work"
    folder.mkdir()
    subprocess.run(
        [uv.find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", wheels, ROOT], check=True
    )
    # Its name is not on an index yet, or belongs to another version.
    (wheel,) = wheels.glob("*.whl")
    (tmp_path / "constraints.txt").write_text(f"nox-buildkit @ {wheel.as_uri()}\n")
    environment = Project(folder).environment(
        {"PIP_CONSTRAINT": str(tmp_path / "constraints.txt"), "DOCKER_HOST": private_engine.host}
    )
    environment.pop("PYTHONPATH", None)

    run_page(
        TUTORIAL,
        folder,
        environment,
        {"8000": str(free_port()), "registry.example.com": registry},
    )


def test_no_command_of_the_tutorial_is_left_out() -> None:
    blocks = re.findall(r"^```\w+\n(.*?)^```$", TUTORIAL.read_text(), re.MULTILINE | re.DOTALL)
    assert blocks == [step.text for step in steps(TUTORIAL) if step.text]
