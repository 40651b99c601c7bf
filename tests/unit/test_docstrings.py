"""Docstrings are sentences: a question does not say what a function returns."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import nox_buildkit

PACKAGE = Path(nox_buildkit.__file__).parent
_QUESTION = re.compile(r"(What|Where|Which|Whether|How|Why|Who)\b")


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_docstrings_are_no_questions(path: Path) -> None:
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    texts = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, documented)]
    assert not [text for text in texts if text and _QUESTION.match(text)]
