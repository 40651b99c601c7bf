"""The documentation says what is so: commands parse, buildspecs load, links lead to files.

Run as a program, this file writes docs/commands.md.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml
from docs import cross_compiling

from nox_buildkit.arguments.parser import parser_for, session_names
from nox_buildkit.buildspec.reading.load import load, parse
from nox_buildkit.lock.lock_state import state_of
from nox_buildkit.lock.requirement_sets import sources_of
from tests.support.schema_checks import check_jsonschema

ROOT = Path(__file__).parents[2]
COMMANDS = ROOT / "docs/commands.md"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
WORKFLOW = ROOT / ".github/workflows/ci.yml"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
WRITTEN = [page for page in PAGES if page != COMMANDS]

#: A command line in a code block or in running text, up to whatever ends it there.
NOX = re.compile(r"\bnox -s (?P<session>\w+)(?: -- (?P<options>[^`\"\n|&;)]+))?")
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#\s]+)")


def commands_page() -> str:
    """docs/commands.md: every session with its options."""
    return "\n".join([*_introduction(), *(line for n in session_names() for line in _session(n))])


def _introduction() -> Iterator[str]:
    yield "# Sessions and options"
    yield ""
    yield "This page is generated from the parsers of the sessions. Options follow `--`:"
    yield '`nox -s build -- --platform linux/arm64`. With `register(prefix="image_")`, `build` is'
    yield "`image_build`, and so on."
    yield ""


def _session(name: str) -> Iterator[str]:
    parser = parser_for(name)
    yield f"## {name}"
    yield ""
    yield (parser.description or "").replace("\n\n", "\n")
    yield ""
    yield "| Option | Meaning |"
    yield "| --- | --- |"
    # argparse has no public list of its options, and its help depends on the terminal's width.
    for action in parser._actions:
        yield f"| {_shown(action)} | {action.help} |"
    yield ""


def _shown(action: argparse.Action) -> str:
    choices = "\\|".join(action.choices or ())
    value = action.metavar or choices or (action.dest.upper() if action.nargs != 0 else "")
    return ", ".join(f"`{f'{name} {value}'.strip()}`" for name in action.option_strings or [""])


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Session and arguments of every nox command in ``text``; workflow expressions are words."""
    for match in NOX.finditer(re.sub(r"\$\{\{.*?\}\}", "hello", text)):
        yield match["session"], shlex.split(match["options"] or "", comments=True)


def blocks(page: Path, *languages: str) -> list[str]:
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [match["text"] for match in found if match["language"] in languages]


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def sessions() -> set[str]:
    """The sessions of this project's noxfile, as nox lists them."""
    listing = subprocess.run(
        [sys.executable, "-m", "nox", "--noxfile", ROOT / "noxfile.py", "--list"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {line.split()[1] for line in listing.splitlines() if line.startswith(("* ", "- "))}


def test_the_commands_page_is_the_generated_one() -> None:
    hint = "run python tests/unit/test_docs.py"
    assert COMMANDS.read_text(encoding="utf-8") == commands_page(), hint


def test_the_page_of_cross_compiling_shows_what_was_found() -> None:
    hint = "run python -m docs.cross_compiling"
    assert cross_compiling.PAGE.read_text(encoding="utf-8") == cross_compiling.page(), hint


def test_the_figures_of_the_readme_are_those_of_the_bench() -> None:
    results = (ROOT / "bench/results/results.md").read_text()
    table = next(block for block in results.split("\n\n") if block.startswith("|"))

    assert table in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", [*WRITTEN, WORKFLOW], ids=page_id)
def test_every_command_names_a_session_and_parses(page: Path, sessions: set[str]) -> None:
    for session, arguments in commands(page.read_text(encoding="utf-8")):
        assert session in sessions, session
        # A session alone is a name in a sentence.
        if session in session_names() and arguments:
            parser_for(session).parse_intermixed_args(arguments)


def test_the_readme_shows_every_session_of_register() -> None:
    shown = {session for session, _ in commands((ROOT / "README.md").read_text(encoding="utf-8"))}
    assert set(session_names()) <= shown


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_shell_blocks_are_shell(page: Path) -> None:
    for text in blocks(page, "sh", "bash", "shell"):
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_yaml_blocks_that_are_no_files_of_ci_systems_are_buildspecs(page: Path) -> None:
    for text in blocks(page, "yaml", "yml"):
        value = yaml.safe_load(text)
        if value and "repos" in value:
            # pre-commit's configuration, whose hooks must be there.
            used = {hook["id"] for repo in value["repos"] for hook in repo["hooks"]}
            assert used <= {hook["id"] for hook in yaml.safe_load(HOOKS.read_text())}
        # Nothing but a comment: a line to begin a buildspec with.
        elif value is not None and _ci_system(value) is None:
            parse(text, page.name)


def test_files_of_ci_systems_in_the_pages_are_valid(tmp_path: Path) -> None:
    found: dict[str, list[Path]] = {"vendor.github-workflows": [], "vendor.gitlab-ci": []}
    for page in PAGES:
        for number, text in enumerate(blocks(page, "yaml", "yml")):
            value = yaml.safe_load(text)
            if schema := _ci_system(value):
                file = tmp_path / f"{page.stem}-{number}.yml"
                file.write_text(_as_workflow(text) if isinstance(value, list) else text)
                found[schema].append(file)
    assert all(found.values())
    for schema, files in found.items():
        done = check_jsonschema("--builtin-schema", schema, *files)
        assert done.exit_code == 0, done.output


def _as_workflow(steps: str) -> str:
    start = "on: push\njobs:\n  job:\n    runs-on: ubuntu-24.04\n    steps:\n"
    return start + indent(steps, " " * 6)


def _ci_system(value: Any) -> str | None:
    """The schema that a block of YAML is for, if it belongs to a CI system."""
    if isinstance(value, list) or (isinstance(value, dict) and "jobs" in value):
        return "vendor.github-workflows"
    if isinstance(value, dict) and "include" in value:
        return "vendor.gitlab-ci"
    if isinstance(value, dict) and all(
        isinstance(job, dict) and {"script", "trigger"} & set(job) for job in value.values()
    ):
        return "vendor.gitlab-ci"
    return None


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_to_files(page: Path) -> None:
    targets = [match["target"] for match in LINK.finditer(page.read_text(encoding="utf-8"))]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_changelog_begins_with_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[([^]]+)\]", text, re.MULTILINE)
    assert next(version for version in versions if version != "Unreleased") == project["version"]


if __name__ == "__main__":
    COMMANDS.write_text(commands_page(), encoding="utf-8")


@pytest.mark.parametrize(
    "path", sorted([ROOT / "buildspec.yaml", *ROOT.glob("examples/*/buildspec.yaml")]), ids=str
)
def test_every_buildspec_is_one_and_its_locks_are_up_to_date(path: Path) -> None:
    spec = load(path)

    if path.parent.name == "workspace":
        # Its uv.lock would name an index, and is made by whoever tries it.
        return
    sources = sources_of(spec, path.parent)
    assert all(state_of(source) == "fresh" for source in sources.values() if source)
