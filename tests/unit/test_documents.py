"""Documents for programs: schemas that are generated, and a page that lists all of them."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import pytest

from nox_buildkit.arguments.parser import parser_for, session_names
from nox_buildkit.documents.schema import FOLDER, SHAPES, schema_text
from tests.support.schemas import check_schema, schema, validated

ROOT = Path(__file__).parents[2]
PLANS = sorted(ROOT.glob("tests/golden/cases/*/plan.json"))
PAGE = (ROOT / "docs/json.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SHAPES)
def test_the_committed_schema_is_the_generated_one(name: str) -> None:
    path = ROOT / FOLDER / f"{name}.schema.json"
    hint = "run python -m nox_buildkit.documents.schema ."
    assert path.read_text(encoding="utf-8") == schema_text(name), hint
    check_schema(schema(name))


def test_every_schema_is_that_of_a_document() -> None:
    files = {path.name.removesuffix(".schema.json") for path in (ROOT / FOLDER).iterdir()}
    assert files == set(SHAPES)


def test_every_document_but_that_of_github_says_its_version() -> None:
    for name in set(SHAPES) - {"matrix"}:
        found = schema(name)
        key = "format" if name.startswith("engine") else "version"
        assert found["properties"][key] == {"const": 1, "type": "integer"}
        assert key in found["required"]


def test_the_page_lists_every_schema_and_every_session_that_prints_json() -> None:
    linked = set(re.findall(r"\(schemas/([\w-]+)\.schema\.json\)", PAGE))
    assert linked == set(SHAPES)
    for name in session_names():
        actions = parser_for(name)._actions
        if any("--json" in action.option_strings for action in actions):
            assert f"`{name}" in PAGE, name
        else:
            # Standard output belongs to the container.
            assert name == "run"


def test_options_say_what_is_printed() -> None:
    for name in session_names():
        for action in parser_for(name)._actions:
            if "--json" in action.option_strings:
                assert isinstance(action, argparse._StoreTrueAction)
                assert "JSON" in str(action.help)


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.parent.name)
def test_the_schema_of_a_plan_tells_every_key(path: Path) -> None:
    plan = {**json.loads(path.read_text(encoding="utf-8")), "command": [], "changes": {}}
    validated("plan", json.dumps(plan))
