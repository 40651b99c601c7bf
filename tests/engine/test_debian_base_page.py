"""The page of base ``debian`` lists the packages that Debian's archive gives today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nox_buildkit.bases.assembled_bases import BaseContents
from nox_buildkit.bases.debian_base import assemble
from nox_buildkit.bases.debian_release import RELEASES
from nox_buildkit.bases.debian_source import debian_source
from nox_buildkit.progress import SILENT

PAGE = Path(__file__).parents[2] / "docs/explanation/debian-base.md"
PLATFORMS = ("linux/amd64", "linux/arm64")


@pytest.mark.parametrize("python", [p for p, r in RELEASES.items() if not r.testing])
def test_it_has_exactly_the_packages_of_the_base(python: str) -> None:
    release = RELEASES[python]
    source = debian_source(release.suite, SILENT)
    base = assemble(release, PLATFORMS, source, SILENT, contents=BaseContents())

    (part,) = re.findall(
        rf"^## Python {python}:.*?(?=^## |\Z)",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    shown = set(re.findall(r"^\| `([^`]+)`", part, re.MULTILINE))
    # Versions move with every update of the archive; names do not, within a release.
    assert shown == set().union(*base.packages.values()), "run python docs/debian_base.py"
