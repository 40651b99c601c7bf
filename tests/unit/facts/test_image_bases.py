"""Which images an image is made with: chosen from references that a lock and a cache know."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from nox_buildkit.bases.image_inspection import ImageInspection
from nox_buildkit.buildspec.model.targets import Target, all_targets
from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.errors import Code, PlanError
from nox_buildkit.facts import inspections
from nox_buildkit.facts.base_images import Bases
from nox_buildkit.facts.image_bases import Scope, Stack, compiler_of, stack_of, step_base_of
from nox_buildkit.oci.resolved import ResolvedImage
from nox_buildkit.plan.base import PlannedImage, RegistryImage
from nox_buildkit.plan.facts import InspectedBase, PinnedBase
from nox_buildkit.plan.wheel_platforms import Libc
from nox_buildkit.progress import SILENT
from tests.support.codes import coded

BOTH = frozenset({"linux/amd64", "linux/arm64"})
#: Each image: whether it has a shell, whether it has apt-get, and its Python.
IMAGES = {
    "docker.io/library/python:3.13-slim": (True, True, "3.13"),
    "docker.io/library/python:3.13": (True, True, "3.13"),
    "docker.io/library/python:3.13-slim-trixie": (True, True, "3.13"),
    "docker.io/library/python:3.13-trixie": (True, True, "3.13"),
    "gcr.io/distroless/python3-debian13": (False, False, "3.13"),
    "dhi.io/python:3.13-debian13": (False, False, "3.13"),
    "dhi.io/python:3.13-debian13-dev": (True, True, "3.13"),
    "dhi.io/python:3.13-alpine3.23": (False, False, "3.13"),
    "dhi.io/python:3.13-alpine3.23-dev": (True, False, "3.13"),
    "ghcr.io/demo/alpine:1": (True, False, "3.13"),
    "ghcr.io/demo/bare:1": (True, True, ""),
    "ghcr.io/demo/old:1": (True, True, "3.11"),
}


def _digest(reference: str) -> str:
    return f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}"


@pytest.fixture
def bases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bases:
    """Bases that a lock has, and that were inspected by an earlier run."""
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    for reference, (shell, apt, python) in IMAGES.items():
        inside = ImageInspection(
            libc=Libc("glibc", (2, 41)),
            python=python,
            interpreter="/usr/local/bin/python3" if python else "",
            shell=shell,
            apt=apt,
            distribution=("debian", "13"),
            entrypoint=(),
            command=("python3",),
        )
        path = inspections.entry_of(_digest(reference))
        inspections.keep(path, dict.fromkeys(BOTH, inside))
    locked = {name: ResolvedImage(_digest(name), BOTH) for name in IMAGES}
    return Bases(_nobody, _nobody, SILENT, locked=locked)


def _nobody() -> Any:
    raise AssertionError("no engine is asked")


def targets(keys: str) -> list[Target]:
    spec = parse(f"version: 1\nimages: {{web: {{{keys}}}}}\n", "buildspec.yaml")
    return list(all_targets(spec))


def stack(keys: str, bases: Bases) -> tuple[Target, Scope, Stack]:
    (target,) = targets(keys)
    scope = Scope(("linux/amd64",), (target,))
    return target, scope, stack_of(target, scope, bases)


def test_a_base_with_shell_and_python_builds_for_itself(bases: Bases) -> None:
    _, _, found = stack("base: slim", bases)

    assert isinstance(found.base, InspectedBase)
    assert found.base.source == RegistryImage(
        "docker.io/library/python:3.13-slim", _digest("docker.io/library/python:3.13-slim")
    )
    assert found.builder is None


def test_a_base_without_a_shell_has_a_builder_and_a_compiler(bases: Bases) -> None:
    target, scope, found = stack("base: distroless", bases)
    compiler, added = compiler_of(target, scope, bases)

    assert found.builder
    assert found.builder.name == "docker.io/library/python:3.13-slim-trixie"
    # A compiler is pinned, and not inspected.
    assert isinstance(compiler, PinnedBase)
    assert not isinstance(compiler, InspectedBase)
    assert (compiler.name, added) == ("docker.io/library/python:3.13-trixie", ())


@pytest.mark.parametrize(
    ("base", "builder", "first"),
    [
        ("dhi", "dhi.io/python:3.13-debian13-dev", "gcc"),
        ("'dhi.io/python:3.13-debian13'", "dhi.io/python:3.13-debian13-dev", "gcc"),
        # Not on another distribution.
        ("'dhi.io/python:3.13-alpine3.23'", "dhi.io/python:3.13-alpine3.23-dev", "zlib1g-dev"),
    ],
)
def test_a_hardened_image_is_built_for_by_its_own_variant(
    bases: Bases, base: str, builder: str, first: str
) -> None:
    target, scope, found = stack(f"base: {base}, build-apt: [zlib1g-dev]", bases)
    compiler, added = compiler_of(target, scope, bases)
    assert found.builder
    assert compiler
    assert (found.builder.name, compiler.name, added[0]) == (builder, builder, first)


def test_an_image_of_the_family_of_debian_compiles_with_apt(bases: Bases) -> None:
    target, scope, _ = stack(
        "base: 'ghcr.io/demo/old:1', python: '3.11', build-apt: [zlib1g-dev]", bases
    )
    compiler, added = compiler_of(target, scope, bases)

    assert compiler
    assert added[0] == "gcc"
    assert added[-1] == "zlib1g-dev"


def test_packages_for_steps_are_added_where_apt_is(bases: Bases) -> None:
    step = "steps-apt: [gettext], steps: [{run: [make], output: [a]}]"
    target, scope, found = stack(f"base: distroless, {step}", bases)
    assert step_base_of(target, found, scope, bases) == (None, ("gettext",))

    target, scope, found = stack(f"base: 'ghcr.io/demo/alpine:1', {step}", bases)
    with pytest.raises(PlanError, match=r"buildspec.yaml:2:\d+: images.web.steps-apt: Debian pack"):
        step_base_of(target, found, scope, bases)


@pytest.mark.parametrize(
    ("keys", "cause"),
    [
        ("base: 'ghcr.io/demo/bare:1'", "base 'ghcr.io/demo/bare:1' has no Python; take one that"),
        ("base: 'ghcr.io/demo/old:1'", "has Python 3.11, and the image is for Python 3.13; set"),
        ("base: distroless, apt: [libpq5]", "it has no apt-get; take base 'debian' or 'slim'"),
        ("base: distroless, build-base: 'ghcr.io/demo/old:1'", "which builds for this base, has"),
        (
            "base: slim, build-base: 'gcr.io/distroless/python3-debian13'",
            "has no shell or no Python, so nothing can be built in it; name another",
        ),
    ],
)
def test_bases_that_do_not_fit(keys: str, cause: str, bases: Bases) -> None:
    with pytest.raises(PlanError) as caught, coded(Code.BASE):
        stack(f"python: '3.13', {keys}", bases)
    assert cause in str(caught.value)
    assert str(caught.value).startswith("buildspec.yaml:2:")


def test_a_base_for_no_platform_is_not_inspected(bases: Bases) -> None:
    (target,) = targets("base: slim, platforms: [linux/arm/v7]")
    found = stack_of(target, Scope(("linux/arm/v7",), (target,)), bases)

    assert not isinstance(found.base, InspectedBase)


def test_an_image_on_another_has_the_builder_of_that_one(bases: Bases) -> None:
    spec = parse(
        "version: 1\nimages:\n  common: {base: distroless}\n  web: {base: 'target:common'}\n",
        "buildspec.yaml",
    )
    every = tuple(all_targets(spec))
    (web,) = (target for target in every if target.image == "web")
    found = stack_of(web, Scope(("linux/amd64",), every), bases)

    assert found.base.source == PlannedImage("common")
    assert found.builder
    assert found.builder.name == "docker.io/library/python:3.13-slim-trixie"


def test_a_base_is_needed_for_what_is_asked_for_and_for_machines_that_build() -> None:
    every = tuple(targets("base: debian, platforms: [linux/amd64, linux/arm64, linux/arm/v7]"))

    assert Scope(("linux/amd64",), every, ("linux/arm64",)).of(every[0]) == [
        "linux/amd64",
        "linux/arm64",
    ]
    assert len(Scope(("linux/amd64",), every).of(every[0])) == 3
