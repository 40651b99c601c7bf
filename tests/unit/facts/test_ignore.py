"""Which files go into an image. Checked against git's own idea of what is ignored."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nox_buildkit.errors import Code, Location, PlanError
from nox_buildkit.facts.dockerignore import DockerIgnore
from nox_buildkit.facts.ignore import Candidates
from nox_buildkit.render.bake_definition import ignore_file
from tests.support.codes import coded
from tests.support.ignore_rules import FILES as RULED
from tests.support.ignore_rules import make_tree, rule_set
from tests.support.project import git

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


def included(
    folder: Path, *, include: tuple[str, ...] = (".",), exclude: tuple[Path, ...] = ()
) -> set[str]:
    return set(Candidates(folder, exclude).select(include).files)


def make_repository(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "main.py").write_text("main.py")
    git(folder, "init", "--quiet")


def test_everything_goes_in_where_nothing_is_ignored(tmp_path: Path) -> None:
    assert included(make(tmp_path)) == set(FILES)


def test_what_never_belongs_stays_out(tmp_path: Path) -> None:
    folder = make(tmp_path)
    never = (".git/config", ".venv/bin/python", "app/__pycache__/main.pyc", ".env", "app/.netrc")
    for name in never:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")

    assert included(folder) == set(FILES)


def test_gitignore_means_what_git_says(tmp_path: Path) -> None:
    """Over generated files, in a repository and, by the same rules, where there is none."""
    cases = 600
    for number in range(cases):
        folder = tmp_path / f"case{number}"
        make_tree(folder)
        (folder / ".gitignore").write_bytes(rule_set(number))
        (folder / "src" / ".gitignore").write_bytes(rule_set(number + cases))
    git(tmp_path, "init", "--quiet")
    listed = git(tmp_path, "ls-files", "-z", "--others", "--exclude-standard").split("\0")
    expected = {path for path in listed if path and not path.endswith(".gitignore")}

    in_repository = included(tmp_path)
    shutil.rmtree(tmp_path / ".git")
    elsewhere = included(tmp_path)

    assert in_repository == expected
    assert elsewhere == expected
    assert 0.2 < len(expected) / (cases * len(RULED)) < 0.9


def test_an_exception_with_a_slash_at_its_end_brings_a_folder_back(tmp_path: Path) -> None:
    rules = "\ufefflib/\n!src/lib/\n"
    make(tmp_path, lib__a="", src__lib__a="", DOTgitignore=rules)

    assert included(tmp_path) == {*FILES, "src/lib/a"}


def test_what_a_repository_has_is_its_own_and_nested_ones_have_rules_of_theirs(
    tmp_path: Path,
) -> None:
    make(tmp_path, DOTgitignore="*.csv\n")
    for name in (".", "vendored", "module"):
        make_repository(tmp_path / name)
    (tmp_path / "vendored" / ".gitignore").write_text("*.o\n")
    (tmp_path / "vendored" / "kept.csv").write_text("")
    (tmp_path / "vendored" / "made.o").write_text("")
    git(tmp_path / "module", "add", "--all")
    git(tmp_path / "module", "commit", "--quiet", "--message", "one")
    git(tmp_path, "add", "--force", "app/data/a.csv", "module", "notes.txt")
    (tmp_path / "notes.txt").unlink()

    assert included(tmp_path) == {
        *(set(FILES) - {"app/data/b.csv", "notes.txt"}),
        "vendored/kept.csv",
        "vendored/main.py",
        "module/main.py",
    }


def test_the_folder_that_somebody_named_is_not_ignored_itself(tmp_path: Path) -> None:
    make(tmp_path / "ignored" / "project", DOTgitignore="*.csv\n")
    (tmp_path / ".gitignore").write_text("ignored/\n")
    git(tmp_path, "init", "--quiet")

    assert included(tmp_path / "ignored" / "project") == {
        name for name in FILES if not name.endswith(".csv")
    }


def test_what_git_tells_its_hooks_is_not_asked_about_the_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "project", DOTgitignore="*.csv\n")
    for name in ("project", "other"):
        make_repository(tmp_path / name)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other" / ".git" / "index"))

    assert "app/data/a.csv" not in included(tmp_path / "project")
    assert "main.py" in included(tmp_path / "project")


def test_a_repository_of_somebody_else_is_said_once_with_the_remedy(tmp_path: Path) -> None:
    folder = make(tmp_path / "project", DOTgitignore="*.csv\n")
    make_repository(folder)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 4321, 4321)

    found = Candidates(folder, ()).select(["."])

    assert set(found.files) == {name for name in FILES if not name.endswith(".csv")}
    assert [f"safe.directory {folder}'" in warning for warning in found.warnings] == [True]


def test_without_git_an_ignore_file_is_an_error_and_its_absence_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(tmp_path / "project")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    assert included(folder) == set(FILES)
    (folder / "app" / ".gitignore").write_text("*.csv\n")
    with pytest.raises(PlanError, match=r"app/\.gitignore means; install git$"), coded(Code.GIT):
        included(folder)


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
        ("build", "build/out.o", True),
        ("build", "app/build/x.py", False),
        ("**/build", "app/build/x.py", True),
        ("*.txt", "app/notes.txt", False),
        ("app\n!app/main.py", "app/main.py", False),
        ("app\n!app/main.py", "app/data/a.csv", True),
        ("*\n!app", "app/data/a.csv", False),
        ("# app\n\n/app/", "app/main.py", True),
        ("app/data/[^a].csv", "app/data/a.csv", False),
        # Python's regular expressions would try all ways to share the path out among the stars.
        (f"{'*' * 400}x", "a/b/c/d/e/f/g/h/i/j/k/l/m/n/main.py", False),
        ("odd name \\[1].txt", "odd name [1].txt", True),
    ],
)
def test_dockerignore_means_what_docker_says(rules: str, path: str, out: bool) -> None:
    assert DockerIgnore(rules.encode()).leaves_out(path) is out


def test_what_buildkit_refuses_is_reported_with_its_line(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / ".dockerignore").write_bytes(b"*.md\n[b-a]\na[\n\\d\n!\n\xff\n")

    with pytest.raises(PlanError) as caught, coded(Code.IGNORE_PATTERN):
        included(folder)

    assert [str(problem).removeprefix(str(folder)) for problem in caught.value.problems] == [
        f"/.dockerignore:{line}:1: not a pattern: {why}; correct it"
        for line, why in (
            (2, "bad character range b-a"),
            (3, "a '[' without its ']', a misplaced '-', or a '\\' at the end"),
            (4, "'\\d' is no character; write 'd'"),
            (5, "there is nothing behind the '!'"),
            (6, "the line is not UTF-8"),
        )
    ]


def test_copy_limits_what_goes_in(tmp_path: Path) -> None:
    assert included(make(tmp_path), include=("app/data", "main.py")) == {
        "main.py",
        "app/data/a.csv",
        "app/data/b.csv",
    }


def test_ignored_paths_are_the_topmost_ones(tmp_path: Path) -> None:
    folder = make(tmp_path, DOTgitignore="deep\n*.csv\n")

    found = Candidates(folder, (folder / "docs",)).select(["."])

    assert found.ignored == (".gitignore", "app/data", "deep", "docs")


def test_what_copy_names_is_taken_though_it_is_ignored_and_said_so(tmp_path: Path) -> None:
    folder = make(tmp_path, DOTgitignore="build\n*.csv\n", requirementsDOTtxt="")

    exclude = [folder / "requirements.txt", folder / "dist"]
    found = Candidates(folder, exclude).select(["app/data/a.csv", "build", "requirements.txt"])

    assert found.files == ("app/data/a.csv", "build/out.o", "requirements.txt")
    assert [warning.partition(" is ignored")[0] for warning in found.warnings] == [
        "'app/data/a.csv'",
        "'build'",
    ]


def test_links_to_folders_are_taken_from_an_ignored_folder(tmp_path: Path) -> None:
    folder = make(tmp_path, DOTgitignore="build\n")
    (folder / "build" / "v1").mkdir()
    (folder / "build" / "v1" / "page.html").write_text("")
    (folder / "build" / "current").symlink_to("v1")

    assert included(folder, include=("build",)) == {
        "build/out.o", "build/v1/page.html", "build/current",
    }  # fmt: skip


def test_every_entry_of_copy_that_brings_nothing_is_an_error_at_its_place(tmp_path: Path) -> None:
    folder = make(tmp_path, DOTenv="x", DOTgitignore="")
    (folder / "empty" / "inner").mkdir(parents=True)
    (folder / "dist").mkdir()
    os.mkfifo(folder / "pipe")
    entries = ["app", "gone", ".env", "empty", "dist", "pipe"]

    with pytest.raises(PlanError) as caught:
        Candidates(folder, [folder / "dist"]).select(
            entries, lambda n: Location("spec", 1, n, entries[n])
        )

    assert [str(problem) for problem in caught.value.problems] == [
        f"spec:1:1: gone: 'gone' is not in the context '{folder}'; correct 'copy'",
        "spec:1:2: .env: '.env' never goes into an image; remove it",
        "spec:1:3: empty: there is no file in 'empty'; make some, or remove it",
        "spec:1:4: dist: 'dist' is a folder that this program writes to; name what is in it, as in "
        "'dist/static'",
        "spec:1:5: pipe: 'pipe' is neither a file nor a folder; remove it",
    ]


def test_a_link_in_copy_brings_what_it_leads_to(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / "data").symlink_to("app/current")
    (folder / "app" / "current").symlink_to("data")

    assert included(folder, include=("data", "docs")) == {
        "data", "app/current", "app/data/a.csv", "app/data/b.csv", "docs/index.md",
    }  # fmt: skip
    assert included(folder, include=("data/a.csv",)) == {"data", "app/current", "app/data/a.csv"}


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("../elsewhere", "leads out of the context"),
        ("/etc", "would lead nowhere in the image"),
        ("out", "is a loop of links"),
    ],
)
def test_a_link_that_an_image_cannot_follow_is_an_error(
    tmp_path: Path, target: str, why: str
) -> None:
    folder = make(tmp_path / "project")
    (tmp_path / "elsewhere").mkdir()
    (folder / "out").symlink_to(target)

    with pytest.raises(PlanError, match=why):
        included(folder, include=("out",))


def test_an_output_folder_stays_out_however_it_is_named(tmp_path: Path) -> None:
    folder = make(tmp_path / "project", images__old="")
    (folder / "link").symlink_to("images")
    (tmp_path / "away").symlink_to("project/images")

    for output in (folder / "link", tmp_path / "away"):
        assert "images/old" not in included(folder, exclude=(output,))
    assert "link" not in included(folder, exclude=(folder / "link",))


@example(["[[]"])
@example(["[a&&b]", "[a--]"])
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(st.lists(st.text(alphabet="ab*?[]!/\\.^-# ", max_size=8), max_size=4))
def test_no_rule_whatever_breaks_the_walk(tmp_path: Path, rules: list[str]) -> None:
    folder = make(tmp_path)
    (folder / ".dockerignore").write_text("\n".join(rules))
    (folder / ".gitignore").write_text("\n".join(rules))

    try:
        assert included(folder) <= set(FILES)
    except PlanError as error:
        assert "not a pattern" in str(error)


@given(
    st.sets(st.text(alphabet="ab*?[]!^/\\ .-#{$\u00e9\u00a0", min_size=1, max_size=5)).map(
        lambda names: {name for name in names if "/" not in name and name not in (".", "..")}
    ),
    st.data(),
)
def test_buildkit_is_told_literal_paths(names: set[str], data: st.DataObject) -> None:
    out = {name for name in sorted(names) if data.draw(st.booleans())}

    told = DockerIgnore(ignore_file(sorted(out)).encode())

    assert {name for name in names if told.leaves_out(name)} == out


def test_a_rendered_definition_and_special_files_stay_out(tmp_path: Path) -> None:
    folder = make(tmp_path)
    for name in ("eject/docker-bake.json", "eject/inputs/scripts/layer.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    os.mkfifo(folder / "pipe")

    assert included(folder) == set(FILES)


def test_an_excluded_path_is_named_before_it_is_made(tmp_path: Path) -> None:
    folder = make(tmp_path)

    found = Candidates(folder, (folder / "bake", Path("/elsewhere"))).select(["."])

    assert found.ignored == ("bake",)


def test_a_name_that_is_not_utf8_is_reported(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / os.fsdecode(b"caf\xe9")).write_text("x")

    with pytest.raises(PlanError, match="is not UTF-8; rename it"):
        included(folder)
