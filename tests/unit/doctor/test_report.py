"""Checks that hang or fail, and a report that can be read and holds no secret."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import pytest

from nox_buildkit.doctor.checks import Check, answers
from nox_buildkit.doctor.finding import Finding, worst
from nox_buildkit.doctor.lines import lines, print_report
from nox_buildkit.documents.doctor import doctor_document
from nox_buildkit.errors import Code, EngineError, Location
from nox_buildkit.report.console import make_console

LONG = "this sentence is longer than a line of a terminal is wide, and it is to be wrapped there"
FINDINGS = (
    Finding("engine", "ok", "the private engine"),
    Finding("platform", "ok", "linux/amd64: the processor"),
    Finding("platform", "warning", LONG, f"run `{LONG}`"),
    Finding("proxy", "problem", "http://me:hunter2@proxy:1 is down\x1b[2J", "unset it"),
)


def test_a_check_that_hangs_keeps_no_other_from_answering() -> None:
    def hangs() -> Iterator[Finding]:
        time.sleep(5)
        yield Finding("slow", "ok", "never")

    began = time.monotonic()
    slow, quick = answers(
        [Check("slow", hangs, 0.2, "run `it`"), Check("quick", lambda: [FINDINGS[0]])]
    )
    assert time.monotonic() - began < 2
    assert (slow.check, slow.verdict, slow.message) == ("slow", "problem", "no answer within 0 s")
    assert slow.as_problem().code is Code.TIME_LIMIT
    assert slow.fix == "run `it`"
    assert quick == FINDINGS[0]


def test_errors_of_a_check_are_its_answer() -> None:
    def fails() -> list[Finding]:
        raise EngineError(Code.BUILDER("no engine", "start it"))

    def cannot() -> list[Finding]:
        raise PermissionError(13, "Permission denied", "/cache")

    first, second = answers([Check("engine", fails), Check("cache", cannot)])
    assert (first.verdict, first.message, first.fix) == ("problem", "no engine", "start it")
    assert second.message == "/cache: Permission denied"


def test_a_mistake_of_a_check_is_not_hidden() -> None:
    def mistaken() -> list[Finding]:
        raise LookupError("a mistake of ours")

    with pytest.raises(LookupError):
        answers([Check("engine", mistaken)])


def test_the_worst_verdict_counts() -> None:
    assert worst([]) == worst(FINDINGS[:2]) == "ok"
    assert worst(FINDINGS[:3]) == "warning"
    assert worst(FINDINGS) == "problem"


@pytest.mark.parametrize("width", [40, 80, 110])
def test_lines_fit_and_say_every_word(width: int) -> None:
    shown = [line for _, line in lines(FINDINGS, width)]
    assert max(map(len, shown)) <= width
    words = " ".join(shown).split()
    assert [word for word in f"{LONG} `{LONG}`".split() if word not in words] == []
    # One answer a line that begins with a verdict, and a check is named once.
    assert sum(verdict is not None for verdict, _ in lines(FINDINGS, width)) == len(FINDINGS)
    assert sum("platform" in line for line in shown) == 1


def test_a_command_is_not_taken_apart() -> None:
    path = f"/{'very-long-name/' * 8}file"
    finding = Finding("cache", "problem", "wrong", f"run `chmod 700 {path}`")
    assert any(path in line for _, line in lines([finding], 40))


def test_secrets_and_control_characters_are_nowhere() -> None:
    finding = Finding("x", "ok", "m", "f", {"urls": ["https://me:hunter2@x/"], "n": 1})
    assert finding.facts == {"urls": ["https://***@x/"], "n": 1}
    shown = "".join(line for _, line in lines(FINDINGS, 80))
    assert "hunter2" not in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_is_for_terminals_and_can_be_turned_off(env: dict[str, str], coloured: bool) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    print_report(make_console(stream, {"TERM": "xterm", **env}, terminal=True), FINDINGS)
    assert ("\x1b[" in stream.getvalue()) == coloured
    assert stream.getvalue().rstrip().endswith("1 problem and 1 warning")


def test_the_document_has_registries_and_versions_by_themselves() -> None:
    place = Location("buildspec.yaml", 4, 5, "images.web")
    traits = {
        "registry": "r.example", "probed": 1.0, "by_digest": True, "empty_config": True,
        "dangling_subject": True, "referrers": False, "mounts": True, "form": "oci-artifact",
    }  # fmt: skip
    found = doctor_document(
        [
            Finding("buildspec", "problem", "unknown key", location=place),
            Finding("registry", "ok", "r.example", facts=traits),
            Finding("registry", "problem", "other.example is down"),
            Finding("versions", "ok", "uv 1", facts={"uv": "1"}),
        ]
    )
    assert found.verdict == "problem"
    assert [each.registry for each in found.registries] == ["r.example"]
    assert found.versions == {"uv": "1"}
    assert [each.code for each in found.checks] == ["NBK104", None, "NBK701", None]
    assert found.checks[0].location
    assert found.checks[0].location.line == 4
