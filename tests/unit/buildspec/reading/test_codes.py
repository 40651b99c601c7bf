"""Mistakes in buildspec.yaml have the codes of their kinds, and a picture of their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.buildspec.reading.load import load, parse
from nox_buildkit.errors import Code, SpecError
from nox_buildkit.report.diagnostics import diagnostics, read_lines, with_codes
from tests.support.codes import coded

IMAGES = "version: 1\nimages:\n  a: "


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"{IMAGES}{{platfroms: []}}", "NBK203"),
        (f"{IMAGES}{{files: [{{source: a}}]}}", "NBK204"),
        (f"{IMAGES}{{platforms: 5}}", "NBK205"),
        (f"{IMAGES}{{base: 'target:a'}}", "NBK206"),
        (f"{IMAGES}{{base: 'target:b'}}", "NBK207"),
        (f"{IMAGES}{{requirements: web}}", "NBK207"),
        ("version: 0.2\nphases: {}", "NBK208"),
        (f"{IMAGES}[", "NBK202"),
        ("", "NBK201"),
    ],
)
def test_a_mistake_has_the_code_of_its_kind(text: str, code: str) -> None:
    with pytest.raises(SpecError) as raised:
        parse(text, "buildspec.yaml")
    assert [problem.code.value for problem in raised.value.problems] == [code]
    assert with_codes(raised.value).endswith(f" [{code}]")


def test_a_missing_file_has_its_code() -> None:
    with pytest.raises(SpecError), coded(Code.SPEC_FILE):
        load(Path("nowhere/buildspec.yaml"))


def _picture(text: str) -> list[str]:
    with pytest.raises(SpecError) as raised:
        parse(text, "buildspec.yaml")
    return list(diagnostics(raised.value, lambda file: text.splitlines()))


def test_a_mistake_is_shown_in_its_line() -> None:
    assert _picture("version: 1\nimages:\n  web:\n    platfroms: [linux/amd64]\n") == [
        "error[NBK203]: images.web.platfroms: unknown key",
        " --> buildspec.yaml:4:5",
        "  |",
        "4 |     platfroms: [linux/amd64]",
        "  |     ^^^^^^^^^ did you mean 'platforms'?",
        "",
    ]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{expose: ["70000"]}', '^^^^^^^ write 8000 or 8000/tcp'),
        ("{env: {A: 1, 'B C': x}}", "^^^^^ letters"),
        ("{base: a b}", "^"),
    ],
)  # fmt: skip
def test_the_carets_are_below_the_whole_value(line: str, shown: str) -> None:
    *_, text, carets, _ = _picture(f"{IMAGES}{line}")
    assert shown in carets
    start = carets.index("^")
    assert text[start - 1] in " [{"


def test_a_long_line_is_cut_around_the_mistake() -> None:
    long = ", ".join(f"'label{n}': 'x'" for n in range(60))
    *_, text, carets, _ = _picture(f"{IMAGES}{{labels: {{{long}}}, platfroms: [a]}}")
    start = carets.index("^")
    assert text[start : start + 9] == "platfroms"
    assert len(text) < 110


def test_what_a_terminal_would_obey_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "buildspec.yaml"
    file.write_text("version: 1\nimages:\n  web:\n    labels: {a: [5]} # \u202e https://u:p@h\n")
    with pytest.raises(SpecError) as raised:
        load(file)
    shown = "\n".join(diagnostics(raised.value))
    assert "labels" in shown
    assert "\u202e" not in shown
    assert "u:p" not in shown


def test_lines_of_files_of_logins_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("password")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    assert read_lines(str(tmp_path / ".netrc")) == ()
    assert read_lines(str(tmp_path / "missing.toml")) == ()
    assert read_lines(str(tmp_path / "pyproject.toml")) == ["[project]"]


def test_a_line_that_is_shown_in_part_has_no_part_of_a_login_or_a_query() -> None:
    address = f"https://me:hidden-login@h.example/{'a' * 60}?hidden-query"
    for before in range(80):
        line = f"    index: {{ {' ' * before}a: '{address}', platfroms: [] }}"
        picture = _picture(f"version: 1\nimages:\n  web:\n{line}\n")
        assert picture
        assert not [shown for shown in picture if "hidden" in shown or "login" in shown]
