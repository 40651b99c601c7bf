"""Every code of an error is explained, has its page, and is provoked by a test.

Run as a program, this file writes docs/errors/.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from nox_buildkit.errors import Code
from nox_buildkit.explanations import explanations

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/errors"
FAMILIES = {
    "1": "The command line and the environment",
    "2": "buildspec.yaml",
    "3": "Requirements and locks",
    "4": "What is to be built",
    "5": "Engines, and what they need",
    "6": "Builds",
    "7": "Registries and releases",
    "8": "Checks of what was built",
}


def pages() -> dict[str, str]:
    """The pages of docs/errors, by their names."""
    found = {f"{code}.md": each.page for code, each in explanations().items()}
    return {"index.md": "\n".join([*_index(), ""]), **found}


def _index() -> Iterator[str]:
    yield "# Errors"
    yield ""
    yield "Every error ends with its code. `python -m nox_buildkit explain NBK203` prints the page"
    yield "of a code. A session that nox runs ends with 1 whatever failed, as nox has it;"
    yield "`python -m nox_buildkit build` runs the same session and ends with the status of the"
    yield "family. These pages are generated from `explanations.toml` of the package."
    for digit, family in FAMILIES.items():
        members = [each for each in explanations().values() if each.code[3] == digit]
        yield ""
        yield f"## {family} (exit status {Code(members[0].code).exit_status})"
        yield ""
        yield "| Code | Meaning |"
        yield "| --- | --- |"
        yield from (f"| [{each.code}]({each.code}.md) | {each.title} |" for each in members)


def test_every_code_is_explained_in_order() -> None:
    assert list(explanations()) == [code.value for code in Code]
    assert list(explanations()) == sorted(explanations())
    for each in explanations().values():
        assert each.title
        assert not each.title.endswith(".")
        assert len(each.text) > 60


def test_the_pages_are_the_generated_ones() -> None:
    hint = "run python -m tests.unit.test_error_codes"
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    assert found == pages(), hint


def test_families_have_statuses_of_their_own() -> None:
    statuses = {code.value[3]: code.exit_status for code in Code}
    assert statuses == {str(digit): digit + 1 for digit in range(1, 9)}


def _asserted() -> Iterator[str]:
    """The codes in assertions, calls of coded(), and parameters of all tests."""
    for path in ROOT.glob("tests/**/test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.unparse(node) if isinstance(node, ast.Assert | ast.Call) else ""
            if text.startswith(("assert ", "coded(", "pytest.mark.parametrize(")):
                yield from re.findall(r"NBK\d{3}", text)
                yield from (Code[name].value for name in re.findall(r"Code\.([A-Z_]+)", text))


def test_every_code_is_provoked_by_a_test() -> None:
    assert explanations().keys() - set(_asserted()) == set()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
