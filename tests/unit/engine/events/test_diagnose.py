"""Every known cause, on the stream of a build that really failed of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nox_buildkit.engine.events.diagnose import diagnose, last_lines
from nox_buildkit.errors import BuildError, Code

Recorded = Callable[..., Any]
NATIVE = "native packages 1/2: "


def _diagnosed(stream: Any) -> tuple[BuildError, tuple[str, ...]]:
    progress, updates = stream.play()
    text = [update.line for update in updates if update.status is None]
    return diagnose(progress, text), last_lines(progress)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        (
            "no-wheel",
            "hello, linux/arm64, " + NATIVE + "natv 1.0 has no wheel for linux/arm64 "
            "(manylinux_2_28_aarch64); lock a version",
        ),
        (
            "no-wheel-sdist",
            "hello, linux/arm64, " + NATIVE + "sdonly 1.0 has no wheel for linux/arm64;",
        ),
        ("no-wheel-python", "hello, linux/amd64, " + NATIVE + "oldpy 1.0 has no wheel"),
        (
            "hash-mismatch",
            "hello, linux/arm64 and linux/amd64, "
            + NATIVE
            + "what the index serves as pure==1.0 is not",
        ),
        (
            "index-unauthorised",
            "hello, linux/arm64 and linux/amd64, "
            + NATIVE
            + "the package index does not let the build in (https://index.example/auth);",
        ),
        (
            "index-forbidden",
            "hello, linux/arm64 and linux/amd64, "
            + NATIVE
            + "the package index does not let the build in (https://index.example/forbidden);",
        ),
        (
            "index-503",
            "hello, linux/arm64, " + NATIVE + "the package index cannot be reached (HTTP status",
        ),
        (
            "index-refused",
            "hello, linux/arm64, " + NATIVE + "the package index cannot be reached (Conn",
        ),
        (
            "index-no-dns",
            "hello, linux/arm64, " + NATIVE + "the package index cannot be reached (dns err",
        ),
        (
            "index-untrusted",
            "hello, linux/amd64 and linux/arm64, "
            + NATIVE
            + "the TLS certificate of the package index is not trusted (UnknownIssuer);",
        ),
        (
            "index-no-such-package",
            "hello, linux/amd64, " + NATIVE + "the package index has no nothere;",
        ),
        ("base-not-found", "hello, linux/arm64: there is no base 127.0.0.1:8750/demo/nothere:1;"),
        (
            "base-no-platform",
            "hello, linux/arm64: the base 127.0.0.1:8750/demo/idx:1 is not made for linux/arm64;",
        ),
        (
            "base-layout-no-platform",
            "hello: the base 'base' is not made for one of linux/amd64, linux/arm64;",
        ),
        (
            "base-unauthorised",
            "hello, linux/arm64 and linux/amd64: the registry does not hand out the ba",
        ),
        (
            "base-http",
            "hello, linux/arm64: the registry of the base 192.0.2.2:8750/demo/elsewhere:1 spea",
        ),
        (
            "base-no-registry",
            "hello, linux/amd64: the registry of the base 127.0.0.1:9/nothere:1 cannot be reached "
            "(connection refused);",
        ),
        (
            "base-hub-unreachable",
            "hello, linux/amd64 and linux/arm64: the registry of the base "
            "docker.io/library/python:3.13-slim cannot be reached (no such host);",
        ),
        ("base-layout-missing", "there is no OCI layout oci-layout:///srv/demo/nolayout:latest;"),
        ("context-missing", "the build context uv (/srv/demo/nouv) does not exist;"),
        (
            "copy-missing",
            "hello, application 1/2: there is no nothere.py in the build context;",
        ),
        (
            "copy-stage-missing",
            "hello, linux/amd64 and linux/arm64, application 1/2: "
            "there is no nothere in the stage deps;",
        ),
        (
            "engine-disk-full",
            "hello, linux/amd64 and linux/arm64, " + NATIVE + "no space left on device;",
        ),
        (
            "emulation-missing",
            "hello, linux/arm64, application 1/2: a step runs a program of linux/arm64, which this "
            "machine cannot do; set up QEMU",
        ),
        ("step-fails", "hello, linux/amd64, application 1/2: the command failed (exit code: 3);"),
        ("dockerfile-syntax", "the Dockerfile is wrong at line 2: unknown instruction: RUNN"),
        (
            "secret-missing",
            "hello, linux/amd64 and linux/arm64, application 1/2: a step asks for the secr",
        ),
        ("secret-file-missing", "/srv/demo/nosec does not exist;"),
        ("output-unwritable", "/proc/nope/x.tar does not exist;"),
        (
            "push-refused",
            "hello, export: the registry 127.0.0.1:9 cannot be reached (connection refused);",
        ),
        (
            "push-no-dns",
            "hello, export: the registry registry.invalid cannot be reached (no such host);",
        ),
        (
            "push-untrusted",
            "hello, export: the registry 192.0.2.2:8753 cannot be reached (x509: certific",
        ),
        (
            "push-unauthorised",
            "hello, export: the registry 127.0.0.1:8751 refuses 127.0.0.1:8751/demo/he",
        ),
        ("push-http", "hello, export: the registry 192.0.2.2:8750 speaks plain HTTP;"),
        (
            "push-readonly",
            "hello, export: the registry did not take 127.0.0.1:8752/demo/hello:1: unexpect",
        ),
        ("entitlement", "the build asks for a privilege"),
        (
            "store-not-containerd",
            "this engine cannot do it: OCI exporter is not supported for its docker ",
        ),
    ],
)
def test_the_cause_is_named_with_its_place(recording: Recorded, name: str, start: str) -> None:
    error, _ = _diagnosed(recording(name))
    assert str(error).startswith(start)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("disk-full", "hello, linux/amd64, application 1/2: no space left on device;"),
        ("out-of-memory", "hello, linux/amd64, application 1/2: the step was killed,"),
        ("engine-gone", "the build engine went away; see 'nox -s engine -- status'"),
        (
            "cancelled",
            "the build was cancelled (Canceled: context canceled); finished",
        ),
    ],
)
def test_the_cause_is_named_for_a_single_platform(
    recording: Recorded, name: str, start: str
) -> None:
    error, _ = _diagnosed(recording(name, platforms=("linux/amd64",)))
    assert str(error).startswith(start)


def test_causes_have_their_codes(recording: Recorded) -> None:
    names = (
        *("no-wheel", "index-503", "base-not-found", "push-refused", "secret-missing"),
        *("emulation-missing", "step-fails", "engine-gone", "out-of-memory", "disk-full"),
        *("store-not-containerd", "cancelled"),
    )
    assert {name: _diagnosed(recording(name))[0].problems[0].code for name in names} == {
        "no-wheel": Code.NO_WHEEL,
        "index-503": Code.PACKAGE_INDEX,
        "base-not-found": Code.BASE_IMAGE,
        "push-refused": Code.REGISTRY,
        "secret-missing": Code.MISSING_INPUT,
        "emulation-missing": Code.EMULATION,
        "step-fails": Code.STEP,
        "engine-gone": Code.ENGINE_GONE,
        "out-of-memory": Code.OUT_OF_MEMORY,
        "disk-full": Code.DISK_FULL,
        "store-not-containerd": Code.BUILDER,
        "cancelled": Code.INTERRUPTED,
    }


def test_one_cause_in_several_images_is_one_line(recording: Recorded) -> None:
    error, _ = _diagnosed(recording("no-network", "hello", "api"))
    assert str(error).startswith("hello and api, linux/a")
    assert len(error.problems) == 1


def test_every_problem_is_one_line_and_says_what_to_try(recording: Recorded) -> None:
    for name in ("no-wheel-python", "push-untrusted", "base-http", "index-503", "copy-missing"):
        error, _ = _diagnosed(recording(name))
        assert all("\n" not in str(problem) and problem.hint for problem in error.problems)


def test_the_last_lines_are_those_of_the_failed_step(recording: Recorded) -> None:
    _, lines = _diagnosed(recording("step-fails"))
    assert lines == ("line 1", "line 2", "line 3")


@pytest.mark.parametrize("how", ["EOF", "read unix @->/run/docker.sock: connection reset by peer"])
def test_an_engine_can_go_away_in_several_ways(recording: Recorded, how: str) -> None:
    progress, _ = recording("source-changed").play()
    said = f"ERROR: failed to solve: Unavailable: error reading from server: {how}"
    assert str(diagnose(progress, [said])).startswith("the build engine went away; see")


def test_what_no_rule_knows_is_passed_on(recording: Recorded) -> None:
    progress, _ = recording("source-changed").play()
    assert str(diagnose(progress, ["noise", "ERROR: the moon is full"])) == "the moon is full"
    assert str(diagnose(progress, [])) == "buildx ended without a word"


def test_the_command_of_a_step_is_no_evidence(recording: Recorded) -> None:
    progress, _ = recording("source-changed").play()
    said = (
        'ERROR: failed to solve: process "/bin/sh -c echo \\"No space left on device\\"" '
        "did not complete successfully: exit code: 7"
    )
    assert "the command failed (exit code: 7)" in str(diagnose(progress, [said]))
