"""Imports of packages that are installed for development alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.facts.import_hints import development_imports

GROUPS = """\
[project]
name = "shop"
version = "1"
dependencies = ["idna"]
[dependency-groups]
dev = ["python-dotenv>=1", "rich", "idna", {include-group = "lint"}]
lint = ["ruff"]
[tool.poetry.group.extra.dependencies]
tabulate = "*"
"""


@pytest.mark.parametrize(
    ("path", "text", "groups", "said"),
    [
        ("shop/a.py", "import os\n\nimport rich.table\n", (), ["shop/a.py:3 imports rich, which"]),
        ("shop/a.py", "from ruff import x\n", (), ["shop/a.py:1 imports ruff, which only the"]),
        (
            "a.py",
            "import tabulate\n",
            (),
            ["a.py:1 imports tabulate, which only the group 'extra'"],
        ),
        ("a.py", "import python_dotenv\n", (), ["a.py:1 imports python-dotenv, which only"]),
        # Installed, of its own, relative, in tests, or not for every start.
        ("a.py", "import idna\n", (), []),
        ("a.py", "import rich\n", ("Dev",), []),
        ("rich.py", "import rich\n", (), []),
        ("shop/a.py", "from .rich import x\n", (), []),
        ("tests/test_a.py", "import rich\n", (), []),
        ("shop/conftest.py", "import rich\n", (), []),
        ("a.py", "try:\n    import rich\nexcept ImportError:\n    rich = None\n", (), []),
        ("a.py", "def f():\n    import rich\n", (), []),
        ("a.py", "import rich (\n", (), []),
        ("a.txt", "import rich\n", (), []),
    ],
)
def test_an_import_that_only_a_group_has_is_told(
    tmp_path: Path, path: str, text: str, groups: tuple[str, ...], said: list[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(GROUPS)
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text(text)
    found = list(development_imports(tmp_path, [path], groups, {"idna"}))
    assert [hint[: len(start)] for hint, start in zip(found, said, strict=True)] == said


def test_without_groups_nothing_is_read(tmp_path: Path) -> None:
    assert not list(development_imports(tmp_path, ["gone.py"], (), set()))
    (tmp_path / "pyproject.toml").write_text("not toml")
    assert not list(development_imports(tmp_path, ["gone.py"], (), set()))
