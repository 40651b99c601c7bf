"""The tags that an image gets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nox_buildkit.errors import Code, PlanError
from nox_buildkit.plan.facts import GitFacts, GitRefs
from nox_buildkit.plan.tags import MAX_LENGTH, TagValues, tags_for
from nox_buildkit.plan.versions import Scheme
from tests.support.codes import coded

REVISION = "0123456789abcdef0123456789abcdef01234567"
COMMITTED = datetime(2026, 11, 27, tzinfo=UTC)
EVERY = ["{version}", "{major}.{minor}", "{major}", "latest"]


def values(version: str, scheme: Scheme = "pep440", refs: GitRefs | None = None) -> TagValues:
    git = GitFacts(REVISION, False, COMMITTED, refs=refs or GitRefs())
    return TagValues(version, scheme, git, COMMITTED)


def names(templates: list[str] | None, known: TagValues) -> list[str]:
    return [tag.name for tag in tags_for(templates, known)[0]]


def reasons(templates: list[str], known: TagValues) -> dict[str, str]:
    return {skipped.template: skipped.why for skipped in tags_for(templates, known)[1]}


@pytest.mark.parametrize(
    ("templates", "version", "expected"),
    [
        (None, "1.2.3", ["1.2.3", "latest"]),
        (None, "1.2.3rc1", ["1.2.3rc1"]),
        (None, "1.2.3.dev4", ["1.2.3.dev4"]),
        (None, "not-a-version", ["not-a-version"]),
        (None, "", ["latest"]),
        (["a", "a"], "1", ["a"]),
        (["nightly", "{version}-{short-revision}"], "2.0", ["nightly", "2.0-0123456"]),
        (["{revision}", "{date}"], "", [REVISION, "20261127"]),
        (EVERY, "1.2.3", ["1.2.3", "1.2", "1", "latest"]),
        (EVERY, "1.2.3.post1", ["1.2.3.post1", "1.2", "1", "latest"]),
        (EVERY, "0.3.1", ["0.3.1", "0.3", "latest"]),
        (EVERY, "2!1.2", ["2e1.2", "2e1", "latest"]),
        (EVERY, "1.2.3+local.7", ["1.2.3_local.7"]),
        (["v{version}", "v{major}"], "1.2.3", ["v1.2.3", "v1"]),
        (["{version}"], "1.0_post1", ["1.0.post1"]),
        (["{version}"], "not_a_version", ["not_a_version"]),
    ],
)
def test_tags(templates: list[str] | None, version: str, expected: list[str]) -> None:
    assert names(templates, values(version)) == expected


def test_semantic_versions() -> None:
    assert names(EVERY, values("1.2.3", "semver")) == ["1.2.3", "1.2", "1", "latest"]
    assert names(EVERY, values("1.2.3-rc.1+b5", "semver")) == ["1.2.3-rc.1_b5"]
    # A post-release is no semantic version.
    assert reasons(["{version}", "latest"], values("1.2.3.post1", "semver")) == {
        "latest": "'1.2.3.post1' is not a version by Semantic Versioning"
    }


def test_a_branch_a_pull_request_and_the_default_branch() -> None:
    templates = ["{branch}", "pr-{pull-request}", "edge"]
    main = values("", refs=GitRefs(branch="main", default_branch="main"))
    assert names(templates, main) == ["main", "edge"]
    topic = values("", refs=GitRefs(branch=".feature/a+b", default_branch="main"))
    assert names(templates, topic) == ["feature-a-b"]
    assert names(templates, values("", refs=GitRefs(pull_request="7"))) == ["pr-7"]
    long = values("", refs=GitRefs(branch="x" * 200))
    assert [len(name) for name in names(["{branch}"], long)] == [MAX_LENGTH]
    (tag,) = names(["{branch}-{short-revision}"], long)
    assert (len(tag), tag[-8:]) == (MAX_LENGTH, "-0123456")
    other = values("", refs=GitRefs(branch="\u4fee\u6b63"))
    assert names(["br-{branch}", "edge", "x"], other) == ["x"]
    assert "no character that a tag may have" in reasons(["br-{branch}", "x"], other)["br-{branch}"]


def test_a_template_that_gives_no_tag_says_why() -> None:
    assert reasons([*EVERY, "{branch}", "pr-{pull-request}", "edge"], values("0.1rc1")) == {
        "{major}.{minor}": "0.1rc1 is not a final version",
        "{major}": "0.1rc1 is not a final version",
        "latest": "0.1rc1 is not a final version",
        "{branch}": "no branch is checked out",
        "pr-{pull-request}": "this is no pull request",
        "edge": "the default branch is not checked out",
    }
    assert names(["edge"], values("1")) == []
    assert reasons(EVERY, values("0.1")) == {"{major}": "versions 0.x have nothing in common"}


def test_which_tags_are_of_releases_and_which_move() -> None:
    main = values("1.2.3", refs=GitRefs(branch="main", default_branch="main"))
    made, _ = tags_for([*EVERY, "stable", "edge", "{branch}", "{date}"], main)
    assert {tag.name: (tag.line, tag.release) for tag in made} == {
        "1.2.3": (None, True),
        "1.2": (2, True),
        "1": (1, True),
        "latest": (0, True),
        "stable": (0, True),
        "edge": (None, False),
        "main": (None, False),
        "20261127": (None, False),
    }
    (nightly,), _ = tags_for(["nightly"], main)
    assert (nightly.line, nightly.release) == (None, False)


@pytest.mark.parametrize(
    ("templates", "known", "said"),
    [
        (["{version}"], values(""), "needs a version, and none is known; set .project. version"),
        (["{major}"], values("x"), "needs a major, and none is known; write the version by PEP"),
        (["{revision}"], TagValues("1"), "needs a revision, and none is known; build from a git"),
        (["{version}"], values("1/2"), "'1/2' .from '{version}'. is not a tag"),
        (["{version}"], values("x" * 129), "is not a tag"),
    ],
)
def test_what_is_not_a_tag_is_refused(templates: list[str], known: TagValues, said: str) -> None:
    with pytest.raises(PlanError, match=said), coded(Code.TAG_TEMPLATE):
        tags_for(templates, known)
