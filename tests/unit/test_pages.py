"""Commands of pages that need no engine are run, and do what the page says."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.pages import run_page, steps

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("docs/**/*.md"))
SAME = [(page, step) for page in PAGES for step in steps(page) if step.mark == "same as"]


@pytest.mark.parametrize("page", ["from-dockerfile", "from-compose"])
def test_a_page_shows_what_init_does(page: str, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

    run_page(ROOT / f"docs/how-to/{page}.md", folder, {**os.environ, "PATH": path}, {})


@pytest.mark.parametrize(("page", "step"), SAME, ids=lambda value: getattr(value, "value", None))
def test_specs_of_examples_stand_in_the_pages_as_they_are(page: Path, step: object) -> None:
    shown = next(s for p, s in SAME if (p, s) == (page, step))
    lines = (ROOT / shown.value).read_text().splitlines(keepends=True)

    assert shown.text == "".join(line for line in lines if not line.startswith("#"))


def test_every_mark_is_known() -> None:
    marks = {step.mark for page in PAGES for step in steps(page)}
    assert marks <= {"run", "stop", "write", "holds", "output", "same as"}
