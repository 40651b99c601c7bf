"""The process configuration: keys of the spec over those of the base, and of the parent image."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.errors import PlanError
from nox_buildkit.plan.facts import InspectedBase
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.planner import make_plan
from nox_buildkit.plan.process import Start
from tests.golden.test_golden import facts_for


def planned(
    *images: str, entrypoint: tuple[str, ...] = (), command: tuple[str, ...] = ()
) -> ImagePlan:
    """The last of ``images`` (the keys of each), on a base that starts something."""
    named = "".join(f"  i{n}: {{requirements: none, {keys}}}\n" for n, keys in enumerate(images))
    spec = parse(f"version: 1\nimages:\n{named}", "buildspec.yaml")
    facts = facts_for(spec, dict.fromkeys(spec.images))
    for name, known in facts.targets.items():
        assert isinstance(known.base, InspectedBase)
        base = replace(known.base, entrypoint=entrypoint, command=command)
        facts.targets[name] = replace(known, base=base)
    return make_plan(spec, facts).images[-1]


@pytest.mark.parametrize(
    ("keys", "entrypoint", "stated", "starts"),
    [
        # The base's own start is kept where the spec has none.
        ("env: {}", ("tini", "--"), None, Start(("tini", "--"), ("serve",))),
        # A command follows the base's entrypoint,
        ("command: [web]", ("tini", "--"), None, Start(("tini", "--"), ("web",))),
        # but not an interpreter, which would take a program's name for that of a script.
        ("command: [web]", ("/usr/bin/python3.13",), (), Start((), ("web",))),
        # A stated entrypoint drops the command of the base.
        ("entrypoint: [run]", ("tini", "--"), ("run",), Start(("run",), None)),
        ("entrypoint: []", ("tini", "--"), (), Start((), None)),
        # What runs before the command takes the place of the base's entrypoint, and keeps it.
        (
            "command: [web], prestart: [[migrate]]",
            ("tini", "--"),
            ("tini", "--"),
            Start(("tini", "--"), ("web",)),
        ),
    ],
)
def test_what_a_container_starts(
    keys: str, entrypoint: tuple[str, ...], stated: tuple[str, ...] | None, starts: Start
) -> None:
    image = planned(keys, entrypoint=entrypoint, command=("serve",))

    assert image.config.entrypoint == stated
    assert image.starts == starts


def test_variables_of_the_parent_are_kept_and_can_be_changed() -> None:
    image = planned("env: {A: '1', B: '2'}", "base: 'target:i0', env: {B: '3'}")

    assert dict(image.config.env) == {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "A": "1",
        "B": "3",
    }


def test_labels_say_what_was_built_and_the_spec_wins() -> None:
    labels = dict(planned("labels: {org.opencontainers.image.title: Shop}").config.labels)

    assert labels["org.opencontainers.image.title"] == "Shop"
    assert labels["org.opencontainers.image.revision"].endswith("-dirty")
    assert labels["org.opencontainers.image.version"] == "1.2.0"
    assert labels["org.opencontainers.image.created"] == "2026-03-04T05:06:07Z"


def test_a_program_before_no_command_is_an_error() -> None:
    with pytest.raises(PlanError, match="'target:i0' has no command that it could come before"):
        planned("env: {}", "base: 'target:i0', prestart: [[migrate]]")
