"""The page of base ``debian`` names what the code asks Debian for."""

from __future__ import annotations

import re
from pathlib import Path

from nox_buildkit.bases.assembled_bases import COMPILERS, PACKAGES
from nox_buildkit.bases.debian_release import RELEASES
from nox_buildkit.bases.unpack import DROPPED

PAGE = (Path(__file__).parents[2] / "docs/explanation/debian-base.md").read_text(encoding="utf-8")
HINT = "run python docs/debian_base.py"


def test_it_has_the_packages_that_are_asked_for_and_left_out() -> None:
    asked, left, compilers = PAGE.split("## Python")[0].split("\n\n")[-4:-1]
    asked_names = re.findall(r"^\| `([^`]+)`", asked, re.MULTILINE)

    assert tuple(asked_names) == PACKAGES, HINT
    assert set(re.findall(r"`([^`]+)`", left)) == DROPPED, HINT
    assert set(re.findall(r"`([^`]+)`", compilers)) - {"apt"} == set(COMPILERS), HINT


def test_it_has_every_release_with_its_packages() -> None:
    parts = PAGE.split("## Python ")[1:]
    settled = [python for python, release in RELEASES.items() if not release.testing]
    assert [part.split(":")[0] for part in parts] == settled, HINT
    for part in parts:
        named = set(re.findall(r"^\| `([^`]+)`", part, re.MULTILINE))
        assert set(PACKAGES) <= named, HINT
        assert not named & DROPPED, HINT
