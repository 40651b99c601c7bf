"""Labels of CI runners: one or several, and none that a workflow cannot take."""

from __future__ import annotations

import pytest

from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.errors import SpecError

IMAGES = "images: {a: {}}\n"


@pytest.mark.parametrize(
    ("written", "labels"),
    [("arm", ("arm",)), ("[self-hosted, arm]", ("self-hosted", "arm")), ("a b", ("a b",))],
)
def test_one_label_or_several(written: str, labels: tuple[str, ...]) -> None:
    spec = parse(f"version: 1\nrunners: {{linux/arm64: {written}}}\n{IMAGES}", "buildspec.yaml")
    assert spec.runners == {"linux/arm64": labels}


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("' '", "' ' is not a label of a runner; write it like"),
        ("[]", "empty; name at least one"),
        ("[a, a]", "'a' is listed twice"),
        ("5", "linux/arm64: expected a list"),
    ],
)
def test_labels_that_cannot_be(written: str, problem: str) -> None:
    text = f"version: 1\nrunners: {{linux/arm64: {written}}}\n{IMAGES}"
    with pytest.raises(SpecError, match=r"runners\.linux/arm64") as found:
        parse(text, "buildspec.yaml")
    assert problem in str(found.value)


def test_no_key_is_taken_for_a_mark_of_a_form() -> None:
    with pytest.raises(SpecError, match=r"\(text\): unknown key"):
        parse(f"version: 1\n{IMAGES}", "buildspec.yaml", [("(text)", "0")])
