"""Which tags of a repository a release moves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nox_buildkit.plan.facts import GitFacts, GitRefs
from nox_buildkit.plan.image import Publication
from nox_buildkit.plan.tags import TagValues, tags_for
from nox_buildkit.plan.versions import Scheme
from nox_buildkit.release.moves import Known, held_back, moves_of

EVERY = ("{version}", "{major}.{minor}", "{major}", "latest")
OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "1" * 64


def checkout(*tags: str, dirty: bool = False) -> GitFacts:
    return GitFacts("c0ffee" * 6, dirty, datetime(2026, 3, 4, tzinfo=UTC), refs=GitRefs(tags))


def publication(
    version: str,
    templates: tuple[str, ...] = EVERY,
    immutable: tuple[str, ...] = (),
    scheme: Scheme = "pep440",
) -> Publication:
    tags, skipped = tags_for(templates, TagValues(version, scheme))
    return Publication(tags, ("r.example/api",), version, scheme, immutable, skipped)


def verdicts(made: Publication, *existing: str, after: str | None = NEW) -> dict[str, str]:
    known = Known("r.example/api", existing, dict.fromkeys(existing, OLD))
    return {move.tag: move.verdict for move in moves_of(made, known, None, after)}


def test_the_first_release_makes_all_tags_the_moving_ones_last() -> None:
    assert list(verdicts(publication("1.2.3")).items()) == [
        ("1.2.3", "new"),
        ("1.2", "new"),
        ("1", "new"),
        ("latest", "new"),
    ]


@pytest.mark.parametrize(
    ("version", "existing", "expected"),
    [
        ("1.2.4", ("1.2.3", "1.2", "1", "latest"), {"1.2": "move", "1": "move", "latest": "move"}),
        ("1.2.9", ("2.0.0", "1.2", "1", "latest"), {"1.2": "move", "1": "move", "latest": "keep"}),
        ("1.2.9", ("1.3.0", "1.2", "1", "latest"), {"1.2": "move", "1": "keep", "latest": "keep"}),
        # Numbers are compared, not text.
        ("1.10.0", ("1.9.0", "1", "latest"), {"1.10": "new", "1": "move", "latest": "move"}),
        # A post-release stands above its final release, and below the next one.
        ("1.2.3.post1", ("1.2.3", "1.2"), {"1.2": "move", "1": "new", "latest": "new"}),
        ("1.2.3", ("1.2.3.post1", "1.2"), {"1.2": "keep", "1": "keep", "latest": "keep"}),
        # Pre-releases and local versions hold nobody back.
        ("1.2.3", ("2.0rc1", "3.0.dev1", "4.0_local"), {"1.2": "new", "1": "new", "latest": "new"}),
        # An epoch stands above all versions without one.
        ("2.0", ("1e0.1", "latest"), {"latest": "keep", "2": "new"}),
        # Dates, commits, signatures, and tags of another form are no versions.
        (
            "1.0",
            ("20261127", "1234567", f"sha256-{'9' * 64}.sig", "9.1-alpine", "latest"),
            {"latest": "move"},
        ),
    ],
)
def test_tags_move_for_the_highest_version_of_their_line(
    version: str, existing: tuple[str, ...], expected: dict[str, str]
) -> None:
    found = verdicts(publication(version), *existing)
    assert {tag: found[tag] for tag in expected} == expected


def test_a_tag_that_moves_tells_why_not() -> None:
    known = Known("r.example/api", ("2.0.0", "latest"), {"latest": OLD})
    found = {m.tag: m for m in moves_of(publication("1.2.9"), known, None, NEW)}
    assert found["latest"].why == "2.0.0 is higher than 1.2.9"
    assert found["1"].why == "the registry does not have it"
    assert found["latest"].before == OLD


def test_a_revision_is_no_version() -> None:
    made = publication("2.0.0", ("{version}", "latest"))
    # Short revisions; a version with an epoch has a dot.
    assert verdicts(made, "123e456", "1234567", "1e23456", "latest")["latest"] == "move"
    assert verdicts(made, "1e2.0", "latest")["latest"] == "keep"


def test_versions_of_a_project_that_counts_days_are_compared() -> None:
    made = publication("20261101", ("{version}", "latest"))
    assert verdicts(made, "20261130", "latest")["latest"] == "keep"
    assert verdicts(made, "20261030", "latest")["latest"] == "move"


def test_a_version_can_be_written_by_its_parts() -> None:
    made = publication("1.2.9", ("v{major}.{minor}.{patch}", "{major}.{minor}", "latest"))
    assert verdicts(made, "v2.0.0", "1.2", "latest") == {
        "v1.2.9": "new",
        "1.2": "move",
        "latest": "keep",
    }


def test_versions_are_found_by_the_form_of_the_own_tags() -> None:
    made = publication("1.2.9", ("v{version}-slim", "slim"))
    assert verdicts(made, "v2.0-slim", "slim")["slim"] == "keep"
    assert verdicts(made, "2.0", "v3.0", "slim")["slim"] == "move"


def test_semantic_versions_are_compared_by_their_own_rules() -> None:
    made = publication("1.2.3", scheme="semver")
    assert verdicts(made, "1.3.0-rc.1", "1.2.3-alpha", "latest")["latest"] == "move"
    assert verdicts(made, "1.3.0", "latest")["latest"] == "keep"


def test_an_immutable_tag_never_gets_another_content() -> None:
    made = publication("1.2.3", immutable=("{version}",))
    assert verdicts(made, "1.2.3")["1.2.3"] == "refuse"
    assert verdicts(made, "1.2.3", after=OLD)["1.2.3"] == "same"
    assert verdicts(made, "1.2.3", after=None)["1.2.3"] == "keep"
    assert verdicts(made)["1.2.3"] == "new"


@pytest.mark.parametrize(
    ("git", "why"),
    [
        (None, ""),
        (checkout("v1.2.3"), ""),
        (checkout("other", "1.2.3"), ""),
        (checkout("api/v1.2.3"), ""),
        (checkout("api-1.2.3"), ""),
        (checkout("v1.2.3.0"), ""),
        (checkout(), "the commit has no git tag of 1.2.3"),
        (
            checkout("v1.2.4"),
            "the commit has the git tag v1.2.4, and not one of 1.2.3",
        ),
        (
            checkout("v1.2.3", dirty=True),
            "the work tree has changes that are not committed: 'git status' lists them",
        ),
    ],
)
def test_a_release_is_a_clean_commit_with_a_git_tag_of_the_version(
    git: GitFacts | None, why: str
) -> None:
    assert held_back(publication("1.2.3"), git) == why


def test_tags_that_are_of_no_release_are_made_of_any_commit() -> None:
    tags, _ = tags_for(("{version}", "latest"), TagValues("1.2.3"))
    nightly, _ = tags_for(("nightly",), TagValues("1.2.3"))
    made = Publication((*tags, *nightly), ("r.example/api",), "1.2.3")
    found = {
        m.tag: m.verdict for m in moves_of(made, Known("r.example/api"), checkout(dirty=True), NEW)
    }
    assert found == {"1.2.3": "keep", "latest": "keep", "nightly": "new"}
