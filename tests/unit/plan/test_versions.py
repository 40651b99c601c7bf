"""Versions as tags: written, read back, and put in order."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_buildkit.plan.versions import ReleaseVersion, Scheme

NUMBER = st.integers(0, 30).map(str)
RELEASE = st.lists(NUMBER, min_size=1, max_size=4).map(".".join)
PEP440 = st.builds(
    "{}{}{}{}{}{}".format,
    st.sampled_from(["", "1!", "12!"]),
    RELEASE,
    st.sampled_from(["", "a1", "b2", "rc3"]),
    st.sampled_from(["", ".post1"]),
    st.sampled_from(["", ".dev4"]),
    st.sampled_from(["", "+abc.5", "+7", "+rc1"]),
)
SEMVER = st.builds(
    "{}.{}.{}{}{}".format,
    NUMBER,
    NUMBER,
    NUMBER,
    st.sampled_from(["", "-rc.1", "-alpha", "-0.x"]),
    st.sampled_from(["", "+b.5", "+21af"]),
)


def version(text: str, scheme: Scheme = "pep440") -> ReleaseVersion:
    found = ReleaseVersion.parse(text, scheme)
    assert found
    return found


@given(st.one_of(st.tuples(PEP440, st.just("pep440")), st.tuples(SEMVER, st.just("semver"))))
def test_a_tag_is_read_back(case: tuple[str, Scheme]) -> None:
    text, scheme = case
    written = version(text, scheme)
    assert ReleaseVersion.of_tag(written.tag, scheme) == written


@pytest.mark.parametrize("tag", ["latest", "main", "sha256-0a1b", "buildcache-linux-amd64", ""])
def test_other_tags_are_no_versions(tag: str) -> None:
    assert ReleaseVersion.of_tag(tag, "pep440") is None
    assert ReleaseVersion.of_tag(tag, "semver") is None


def test_order() -> None:
    texts = ["1.2.dev1", "1.2a1", "1.2rc1", "1.2", "1.2+local", "1.2.post1", "1.10", "1!0.1"]
    assert all(version(low) < version(high) for low, high in pairwise(texts))
    texts = ["1.2.0-alpha", "1.2.0-rc.1", "1.2.0", "1.10.0"]
    assert all(version(a, "semver") < version(b, "semver") for a, b in pairwise(texts))
    with pytest.raises(TypeError):
        assert version("1.0.0") < version("2.0.0", "semver")


def test_only_final_versions_and_post_releases_take_tags_that_move() -> None:
    texts = ["1.2", "1.2.post1", "1!1.2", "1.2rc1", "1.2.dev1", "1.2+local", "1.2.post1.dev2"]
    assert [text for text in texts if version(text).final] == ["1.2", "1.2.post1", "1!1.2"]
    assert [t for t in ("1.2.3", "1.2.3-rc.1", "1.2.3+b") if version(t, "semver").final] == [
        "1.2.3"
    ]


def test_lines() -> None:
    mine = version("1.2.3")
    assert mine.is_of_line(version("1.2.9"), 2)
    assert not mine.is_of_line(version("1.3"), 2)
    assert mine.is_of_line(version("1.9"), 1)
    assert not mine.is_of_line(version("2!1.2"), 1)
    assert mine.is_of_line(version("2!7"), 0)
