"""Which files go into an image. Checked against git's own idea of what is ignored."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nox_buildkit.errors import PlanError
from nox_buildkit.facts.ignore import DockerIgnore, split_files

FILES = (
    "main.py", "app/__init__.py", "app/main.py", "app/data/a.csv", "app/data/b.csv",
    "build/out.o", "app/build/x.py", "docs/index.md", "notes.txt", "app/notes.txt",
    "odd name [1].txt", "deep/er/and/deeper.py",
)  # fmt: skip


def make(folder: Path, **extra: str) -> Path:
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    for name, text in extra.items():
        path = folder / name.replace("__", "/").replace("DOT", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def included(folder: Path, *, include: tuple[str, ...] = (".",)) -> set[str]:
    return set(split_files(folder, include=include, exclude=())[0])


def test_everything_goes_in_where_nothing_is_ignored(tmp_path: Path) -> None:
    assert included(make(tmp_path)) == set(FILES)


def test_what_never_belongs_stays_out(tmp_path: Path) -> None:
    folder = make(tmp_path)
    never = (".git/config", ".venv/bin/python", "app/__pycache__/main.pyc", ".env", "app/.netrc")
    for name in never:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")

    assert included(folder) == set(FILES)


@pytest.mark.parametrize(
    "rules",
    [
        "build/\n",
        "/build/\n",
        "*.csv\n!b.csv\n",
        "app/data/*\n!app/data/a.csv\n",
        "notes.txt\n!/app/notes.txt\n",
        "**/er/**\n",
        "# comment\n\n*.md\n",
        "*\n!*/\n!*.py\n",
        "odd name \\[1\\].txt\n",
        "docs\n",
    ],
)
def test_gitignore_means_what_git_says(tmp_path: Path, rules: str) -> None:
    folder = make(tmp_path, DOTgitignore=rules)
    subprocess.run(["git", "init", "-q", folder], check=True)
    listed = subprocess.run(
        ["git", "-C", folder, "ls-files", "-z", "--others", "--exclude-standard"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip

    assert included(folder) == set(listed.stdout.split("\0")) - {"", ".gitignore"}


def test_gitignore_files_of_parents_and_sub_folders_count(tmp_path: Path) -> None:
    make(tmp_path / "services" / "api", app__DOTgitignore="data/\n")
    (tmp_path / ".gitignore").write_text("*.md\n/services/api/main.py\n")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)

    found = included(tmp_path / "services" / "api")

    assert found == {
        name
        for name in FILES
        if not name.startswith("app/data") and name not in ("main.py", "docs/index.md")
    }


@pytest.mark.parametrize(
    ("rules", "path", "out"),
    [
        (["build"], "build/out.o", True),
        (["build"], "app/build/x.py", False),
        (["**/build"], "app/build/x.py", True),
        (["*.txt"], "app/notes.txt", False),
        (["*/notes.txt"], "app/notes.txt", True),
        (["app", "!app/main.py"], "app/main.py", False),
        (["app", "!app/main.py"], "app/data/a.csv", True),
        (["*", "!app"], "app/data/a.csv", False),
        (["# app", "", "/app/"], "app/main.py", True),
        (["app/data/[ab].csv"], "app/data/a.csv", True),
        (["app/data/[^a].csv"], "app/data/a.csv", False),
        (["mai?.py"], "main.py", True),
        (["[[-a]"], "[", True),
        (["[+--]"], "-", True),
        (["[|&~|&~]"], "&", True),
        (["odd name \\[1].txt"], "odd name [1].txt", True),
        (["**/*.py", "!main.py"], "main.py", False),
    ],
)
def test_dockerignore_means_what_docker_says(rules: list[str], path: str, out: bool) -> None:
    assert DockerIgnore(rules).matches(path) is out


def test_a_broken_dockerignore_is_reported_with_its_line(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / ".dockerignore").write_text("*.md\n[b-a]\n")

    with pytest.raises(PlanError) as caught:
        included(folder)

    assert str(caught.value) == f"{folder}/.dockerignore:2:1: '[b-a]' is not a pattern"


def test_copy_limits_what_goes_in(tmp_path: Path) -> None:
    assert included(make(tmp_path), include=("app/data", "main.py")) == {
        "main.py",
        "app/data/a.csv",
        "app/data/b.csv",
    }


def test_ignored_paths_are_the_topmost_ones(tmp_path: Path) -> None:
    folder = make(tmp_path, DOTgitignore="deep\n*.csv\n")

    _, ignored = split_files(folder, include=(".",), exclude=(folder / "docs",))

    assert ignored == [".gitignore", "app/data", "deep", "docs"]


@example(["[[]"])
@example(["[a&&b]", "[a--]"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.text(alphabet="ab*?[]!/\\.^-# ", max_size=8), max_size=4))
def test_no_rule_whatever_breaks_the_walk(tmp_path: Path, rules: list[str]) -> None:
    folder = make(tmp_path)
    (folder / ".dockerignore").write_text("\n".join(rules))
    (folder / ".gitignore").write_text("\n".join(rules))

    try:
        assert included(folder) <= set(FILES)
    except PlanError as error:
        assert "is not a pattern" in str(error)


def test_a_rendered_definition_and_special_files_stay_out(tmp_path: Path) -> None:
    folder = make(tmp_path)
    for name in ("eject/docker-bake.json", "eject/inputs/scripts/layer.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    os.mkfifo(folder / "pipe")

    assert included(folder) == set(FILES)


def test_an_excluded_path_is_named_before_it_is_made(tmp_path: Path) -> None:
    folder = make(tmp_path)

    _, ignored = split_files(folder, include=(".",), exclude=(folder / "bake", Path("/elsewhere")))

    assert ignored == ["bake"]


def test_a_name_that_is_not_utf8_is_reported(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / os.fsdecode(b"caf\xe9")).write_text("x")

    with pytest.raises(PlanError, match="is not UTF-8; rename it"):
        included(folder)
