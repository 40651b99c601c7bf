"""The byte code in an image is used for its sources, and for nothing that replaces them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.project import Project

#: Both have the same size.
OLD, NEW = 'WORD = "old"\n', 'WORD = "new"\n'
WRITE = f"open('app/word.py', 'w').write({NEW!r}); open('first', 'w')"
TELL = "from app.word import WORD; print(WORD)"
KEEP = "from app.word import WORD; open('made', 'w').write(WORD)"
#: Python compiles nothing, or it fails.
ONLY_BYTE_CODE = "from importlib.machinery import SourceFileLoader as L; L.source_to_code = None; "

SPEC = json.dumps(
    {
        "version": 1,
        "images": {
            "words": {
                "platforms": ["linux/amd64"],
                "base": "debian",
                "command": ["python", "-c", TELL],
                "steps": [
                    {"run": ["python", "-c", WRITE], "output": ["first"]},
                    {"run": ["python", "-c", KEEP], "output": ["made"]},
                ],
            }
        },
    }
)


@pytest.fixture
def words(project: Project) -> Project:
    """A project whose first step changes a module, and whose second one imports it."""
    project.write({"buildspec.yaml": SPEC, "app/word.py": OLD, "app/__init__.py": ""})
    project.ok("build", "--load")
    return project


def test_what_replaces_a_source_is_what_python_runs(
    words: Project, private_engine: PrivateEngine, tmp_path: Path
) -> None:
    run = private_engine.client.run
    assert run("words", ["cat", "/app/made"], remove=True) == "new"
    assert run("words", remove=True) == "old"
    unchanged = ["python", "-c", f"{ONLY_BYTE_CODE}import plain; {TELL}"]
    assert run("words", unchanged, remove=True) == "old"

    module = tmp_path / "word.py"
    module.write_text(NEW)
    mounted = [(str(module), "/app/app/word.py", "ro")]
    assert run("words", remove=True, volumes=mounted) == "new"
