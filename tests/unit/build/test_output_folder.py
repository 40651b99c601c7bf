"""The output folder, and git."""

from __future__ import annotations

from pathlib import Path

from nox_buildkit.build.output_folder import git_hint
from tests.support.project import git


def test_a_folder_that_git_would_take_is_told(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    git(tmp_path, "init", "--quiet")
    assert git_hint(dist) == (
        "git does not ignore dist/, so 'git add' would take the images; add 'dist/' to .gitignore"
    )
    for rule in ("dist/", "/dist", "*"):
        (tmp_path / ".gitignore").write_text(f"{rule}\n")
        assert not git_hint(dist)


def test_nothing_is_told_where_there_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    assert not git_hint(tmp_path / "dist")
