"""Thousands of changed files: each is read, or refused in a line with its position."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.errors import Code, NoxBuildkitError
from tests.fuzz.campaign import fault_of, run
from tests.fuzz.subjects import READERS, Case, case_of

CASES = 20_000
PART = 500


@pytest.mark.parametrize(
    "first",
    [0, *(pytest.param(n, marks=pytest.mark.engine) for n in range(PART, CASES, PART))],
)
def test_every_changed_input_gives_a_value_or_an_error_with_its_position(first: int) -> None:
    faults = run(20260101, range(first, first + PART))
    assert not faults, "\n\n".join(faults)


def test_a_case_is_the_same_wherever_it_is_made() -> None:
    assert [case_of(7, number) for number in range(50)] == [case_of(7, n) for n in range(50)]
    assert {case_of(7, number).subject for number in range(200)} == READERS.keys()


def test_what_does_not_hold_is_noticed(tmp_path: Path) -> None:
    class Planted(Case):
        def run(self, folder: Path) -> None:
            raise {
                "traceback": KeyError("project"),
                "flood": NoxBuildkitError(
                    *map(Code.YAML, ["buildspec.yaml: " + "🐍" * 9000 + "x", *["🐍" * 2000] * 20])
                ),
                "nowhere": NoxBuildkitError(Code.YAML("it is wrong")),
            }[self.subject]

    assert "KeyError" in fault_of(Planted("traceback", {}), tmp_path)
    assert "characters of messages" in fault_of(Planted("flood", {}), tmp_path)
    assert "no position" in fault_of(Planted("nowhere", {}), tmp_path)
