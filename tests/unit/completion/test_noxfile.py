"""Which spec and which prefix a noxfile registers, without running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.completion.noxfile import registered


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from nox_buildkit import register\nregister()", [("buildspec.yaml", "")]),
        ("import nox_buildkit as n\nn.register('a/b.yaml', 'x_')", [("a/b.yaml", "x_")]),
        (
            "register(prefix='one_')\nregister(buildspec='two.yaml', prefix='two_')",
            [("buildspec.yaml", "one_"), ("two.yaml", "two_")],
        ),
        # What is only known when it runs is left as it would be without it.
        ("register(PATH, prefix=PREFIX)", [("buildspec.yaml", "")]),
        ("import nox", [("buildspec.yaml", "")]),
        ("register(", [("buildspec.yaml", "")]),
    ],
)
def test_calls_are_found(tmp_path: Path, text: str, found: list[tuple[str, str]]) -> None:
    (tmp_path / "noxfile.py").write_text(text)
    calls = registered(tmp_path / "noxfile.py")
    assert [(str(c.buildspec.relative_to(tmp_path)), c.prefix) for c in calls] == found


def test_a_session_has_the_name_that_the_user_gave_it(tmp_path: Path) -> None:
    (tmp_path / "noxfile.py").write_text("register(prefix='image_')")
    (call,) = registered(tmp_path / "noxfile.py")
    assert call.session("image_build") == "build"
    assert call.session("build") is None
    assert call.session("image_lint") is None


def test_there_need_be_no_noxfile(tmp_path: Path) -> None:
    (call,) = registered(tmp_path / "noxfile.py")
    assert call.session("lock") == "lock"
