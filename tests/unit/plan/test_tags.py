"""The tags that an image gets."""

from __future__ import annotations

import pytest

from nox_buildkit.errors import PlanError
from nox_buildkit.plan.tags import tags_for


@pytest.mark.parametrize(
    ("templates", "version", "expected"),
    [
        (None, "1.2.3", ("1.2.3", "latest")),
        (None, "1.2.3rc1", ("1.2.3rc1",)),
        (None, "1.2.3.dev4", ("1.2.3.dev4",)),
        (None, "1.2.3+local.7", ("1.2.3-local.7",)),
        (None, "not-a-version", ("not-a-version",)),
        (None, "", ("latest",)),
        (["edge", "{version}-{revision}"], "2.0", ("edge", "2.0-0123456789ab")),
        (["a", "a"], "1", ("a",)),
    ],
)
def test_tags(templates: list[str] | None, version: str, expected: tuple[str, ...]) -> None:
    assert tags_for(templates, version, "0123456789abcdef") == expected


@pytest.mark.parametrize(
    ("templates", "version", "revision", "said"),
    [
        (["{version}"], "", "abc", "needs a version, and none is known; set .project. version"),
        (["{revision}"], "1", "", "needs a revision, and none is known; build from a git"),
        (["{version}"], "1/2", "abc", "'1/2' .from '{version}'. is not a tag"),
        (["{version}"], "x" * 129, "abc", "is not a tag"),
    ],
)
def test_what_is_not_a_tag_is_refused(
    templates: list[str], version: str, revision: str, said: str
) -> None:
    with pytest.raises(PlanError, match=said):
        tags_for(templates, version, revision)
