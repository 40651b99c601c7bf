"""Another commit as a work tree: git tells of its files what it tells in the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.errors import Code, PlanError
from nox_buildkit.facts.worktree import list_files
from nox_buildkit.lock.commit_checkout import check_out
from tests.support.codes import coded
from tests.support.project import git


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))


def repository(folder: Path, **files: str) -> Path:
    folder.mkdir()
    git(folder, "init", "--quiet", "-b", "main")
    for name, text in files.items():
        (folder / name).write_text(text)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "change")


def add_submodule(top: Path, source: Path, *place: str) -> None:
    git(top, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(source), *place)
    commit(top)


def listed(folder: Path) -> set[str]:
    return {path for path in list_files(folder).paths if ".git" not in path}


def checked_out(top: Path, reference: str, target: Path) -> tuple[Path, list[str]]:
    said: list[str] = []
    check_out(top, git(top, "rev-parse", reference), target, said.append)
    return target, said


def test_a_file_that_is_tracked_though_it_is_ignored_is_listed(tmp_path: Path) -> None:
    top = repository(tmp_path / "project", a="1", ignored="1")
    (top / ".gitignore").write_text("ignored\n*.log\n")
    commit(top)
    (top / "later").write_text("")
    (top / "x.log").write_text("")
    commit(top)
    before = git(top, "status", "--porcelain=2", "--branch"), (top / ".git/index").read_bytes()

    target, said = checked_out(top, "HEAD~1", tmp_path / "target")
    assert listed(target) == {"a", "ignored"}
    assert said == []
    assert git(target, "describe", "--always") == git(top, "describe", "--always", "HEAD~1")
    assert not git(target, "status", "--porcelain")
    after = git(top, "status", "--porcelain=2", "--branch"), (top / ".git/index").read_bytes()
    assert after == before


def test_submodules_have_the_files_of_their_commits(tmp_path: Path) -> None:
    inner = repository(tmp_path / "inner", deep="1")
    library = repository(tmp_path / "library", old="1", kept="1")
    add_submodule(library, inner, "inner")
    top = repository(tmp_path / "project", a="1")
    add_submodule(top, library, "lib")
    allowed = ("-c", "protocol.file.allow=always")
    git(top, *allowed, "submodule", "--quiet", "update", "--init", "--recursive")
    (top / "lib" / "old").unlink()
    commit(top / "lib")
    commit(top)

    target, said = checked_out(top, "HEAD", tmp_path / "now")
    assert listed(target) == listed(top) == {"a", "lib/kept", "lib/inner/deep"}
    target, _ = checked_out(top, "HEAD~1", tmp_path / "then")
    assert listed(target) == {"a", "lib/kept", "lib/old", "lib/inner/deep"}
    assert not git(target, "status", "--porcelain")

    # Where it was moved since, its repository is known by its name.
    git(top, "mv", "lib", "moved")
    commit(top)
    target, _ = checked_out(top, "HEAD~2", tmp_path / "moved")
    assert {"a", "lib/kept", "lib/old"} <= listed(target)
    assert said == []


def test_a_submodule_whose_commit_is_not_here_is_told(tmp_path: Path) -> None:
    library = repository(tmp_path / "library", kept="1")
    top = repository(tmp_path / "project", a="1")
    add_submodule(top, library, "lib")
    unknown = "c0ffee" + "0" * 34
    git(top, "update-index", "--cacheinfo", f"160000,{unknown},lib")
    git(top, "commit", "--quiet", "--message", "not pushed")

    target, said = checked_out(top, "HEAD", tmp_path / "target")
    assert listed(target) == {"a"}
    (sentence,) = said
    assert sentence.startswith("the submodule lib is compared without its files: git read-tree ")
    assert unknown in sentence


def test_a_submodule_that_nobody_fetched_has_files_nowhere(tmp_path: Path) -> None:
    library = repository(tmp_path / "library", kept="1")
    add_submodule(repository(tmp_path / "project", a="1"), library, "lib")
    git(tmp_path, "clone", "--quiet", "project", "clone")

    target, said = checked_out(tmp_path / "clone", "HEAD", tmp_path / "target")
    assert listed(target) == listed(tmp_path / "clone") == {"a"}
    assert said == []


@pytest.mark.parametrize("kind", ["worktree", "shallow", "subfolder"])
def test_of_every_kind_of_checkout(tmp_path: Path, kind: str) -> None:
    origin = repository(tmp_path / "origin", a="1")
    top = tmp_path / "top"
    if kind == "worktree":
        git(tmp_path, "clone", "--quiet", "--bare", "origin", "bare")
        git(tmp_path / "bare", "worktree", "add", "--quiet", "--detach", str(top), "HEAD")
    elif kind == "shallow":
        commit(origin)
        git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{origin}", "top")
    else:
        top = origin
        (top / "below").mkdir()
        (top / "below" / "b").write_text("")
        commit(top)

    target, _ = checked_out(top, "HEAD", tmp_path / "target")
    assert listed(target) == listed(top)
    assert not git(target, "status", "--porcelain")


def test_a_commit_that_is_not_whole_is_an_error(tmp_path: Path) -> None:
    top = repository(tmp_path / "project", a="1")
    blob = git(top, "rev-parse", "HEAD:a")
    (top / ".git" / "objects" / blob[:2] / blob[2:]).unlink()

    with pytest.raises(PlanError, match="git checkout-index of the commit"), coded(Code.GIT):
        checked_out(top, "HEAD", tmp_path / "target")
