"""What a watch follows, and what it takes for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.build.watched import Watched

TEMPORARY = (
    ".word.py.swp", ".word.py.swa", ".swo", "word.py~", ".#word.py", "word.py___jb_tmp___",
    "a.___jb_old___", ".DS_Store", "flycheck_word.py", "word.pyc",
)  # fmt: skip


@pytest.mark.parametrize(
    "name", ["logo.swf", "module.swift", "a.swp", "word.swx", ".swag", ".swift", ".rules"]
)
def test_sources_are_followed(name: str) -> None:
    assert Watched().concerns(Path("/project/app", name))


@pytest.mark.parametrize("name", TEMPORARY)
def test_temporary_files_are_not(name: str) -> None:
    path = Path("/project/app", name)
    assert not Watched().concerns(path)
    # Unless they are what something is made of.
    assert Watched(files=frozenset({path})).concerns(path)
