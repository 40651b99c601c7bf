"""Facts about the outside that need no engine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nox_buildkit.errors import Code, PlanError
from nox_buildkit.facts.build_context import Contexts
from nox_buildkit.file_digests import FileDigests
from nox_buildkit.lock.git import read_git, web_address
from nox_buildkit.plan.facts import ContextFacts, GitRefs
from tests.support.codes import coded


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("git@github.com:octocat/demo.git", "https://github.com/octocat/demo"),
        ("ssh://git@example.com:2222/octocat/demo.git", "https://example.com/octocat/demo"),
        ("https://me:token@github.com/octocat/demo.git", "https://github.com/octocat/demo"),
        ("https://github.com/octocat/demo/", "https://github.com/octocat/demo"),
        ("/srv/git/demo.git", ""),
        ("", ""),
    ],
)
def test_a_remote_becomes_a_web_address_without_credentials(remote: str, address: str) -> None:
    assert web_address(remote) == address


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def test_the_commit_and_whether_files_differ_from_it(tmp_path: Path) -> None:
    assert read_git(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert read_git(tmp_path) is None
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-q", "-m", "first")
    (tmp_path / "untracked").write_text("1")

    clean = read_git(tmp_path)
    (tmp_path / "a").write_text("2")
    dirty = read_git(tmp_path)

    assert clean is not None
    assert dirty is not None
    assert (clean.dirty, dirty.dirty) == (False, True)
    assert clean.untracked == {str(tmp_path / "untracked")}
    assert len(clean.revision) == 40
    assert clean.committed == dirty.committed


CI = ("GITHUB_REF", "GITHUB_REF_NAME", "GITHUB_REF_TYPE", "GITHUB_EVENT_PATH", "CI_COMMIT_BRANCH")


def test_names_of_the_commit_by_git_and_by_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*CI, "CI_DEFAULT_BRANCH", "CI_MERGE_REQUEST_IID"):
        monkeypatch.delenv(name, raising=False)

    def refs() -> GitRefs:
        found = read_git(tmp_path)
        assert found
        return found.refs

    git(tmp_path, "init", "-q", "-b", "trunk")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    assert refs() == GitRefs(branch="trunk")
    git(tmp_path, "tag", "v1.0")
    git(tmp_path, "tag", "-a", "-m", "signed off", "release-1")
    git(tmp_path, "update-ref", "refs/remotes/origin/trunk", "HEAD")
    git(tmp_path, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert refs() == GitRefs(("release-1", "v1.0"), "trunk", "trunk")

    git(tmp_path, "checkout", "-q", "--detach")
    assert refs().branch == ""
    event = tmp_path / "event.json"
    event.write_text('{"repository": {"default_branch": "main"}}')
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    monkeypatch.setenv("GITHUB_REF_TYPE", "branch")
    monkeypatch.setenv("GITHUB_REF_NAME", "main")
    assert (refs().branch, refs().default_branch) == ("main", "main")
    # What is checked out for a pull request is a merge, on no branch.
    monkeypatch.setenv("GITHUB_REF_NAME", "7/merge")
    monkeypatch.setenv("GITHUB_REF", "refs/pull/7/merge")
    assert (refs().branch, refs().pull_request) == ("", "7")
    for name in CI:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CI_COMMIT_BRANCH", "topic")
    monkeypatch.setenv("CI_DEFAULT_BRANCH", "main")
    monkeypatch.setenv("CI_MERGE_REQUEST_IID", "12")
    assert refs() == GitRefs(("release-1", "v1.0"), "topic", "main", "12")


def _read(folder: Path, *copy: str) -> ContextFacts:
    return Contexts(FileDigests(folder, "sources")).read(folder, copy=copy)


def test_a_context_has_its_files_their_digests_and_the_version(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1.2"\n')
    script = tmp_path / "run.sh"
    script.write_text("#!/bin/sh\n")
    (tmp_path / "link").symlink_to("run.sh")
    before = _read(tmp_path, ".")
    script.chmod(0o755)
    after = _read(tmp_path, ".")

    assert [file.path for file in before.sources.files] == ["link", "pyproject.toml", "run.sh"]
    assert before.version == "1.2"
    both = zip(before.sources.files, after.sources.files, strict=True)
    changed = [a.path for a, b in both if a != b]
    assert changed == ["run.sh"]


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="'app' is not in the context"), coded(Code.CONTEXT):
        _read(tmp_path, "app")
