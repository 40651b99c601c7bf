"""A Dockerfile for every kind of stage, compared with files that were read in review."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.plan.facts import CrossCompiler, Facts, InspectedBase, LocalWheel, TargetFacts
from nox_buildkit.plan.planner import make_plan
from nox_buildkit.plan.stages import layers_of, title_of
from nox_buildkit.render.bake_definition import render
from tests.golden.test_golden import facts_for

CASES = Path(__file__).parent / "cases" / "stages"
STEP = "steps: [{run: [make], output: [static]}]"
BUILDER = "sha256:" + "12" * 32


def _changed(facts: Facts, change: Callable[[TargetFacts, InspectedBase], TargetFacts]) -> Facts:
    for name, known in facts.targets.items():
        assert isinstance(known.base, InspectedBase)
        facts.targets[name] = change(known, known.base)
    return facts


def _with_local_package(known: TargetFacts, _base: InspectedBase) -> TargetFacts:
    wheel = LocalWheel("web", "1.0", "web-1.0-py3-none-any.whl", "ef" * 32, 1000, "/cache/web.whl")
    return replace(known, local=(wheel,))


def _with_apt(known: TargetFacts, base: InspectedBase) -> TargetFacts:
    return replace(known, base=replace(base, apt=True, packages={}, asked={}))


def _with_builder(known: TargetFacts, base: InspectedBase) -> TargetFacts:
    builder = replace(base, name="builder", digest=BUILDER, interpreter="/usr/local/bin/python3.13")
    base = replace(base, builds=False, interpreter="/usr/bin/python3.13")
    return replace(known, base=base, builder=builder)


def _compiling(*platforms: str) -> Callable[[TargetFacts, InspectedBase], TargetFacts]:
    """Facts of a lock in which some packages have no wheel for ``platforms``."""

    def change(known: TargetFacts, base: InspectedBase) -> TargetFacts:
        assert known.lock
        coverage = {
            platform: tuple(
                replace(
                    file, kind="sdist", filename=f"{file.name}.tar.gz", sha256="77" * 32, size=9
                )
                if platform in platforms and not file.filename.endswith("-any.whl")
                else file
                for file in files
            )
            for platform, files in known.lock.coverage.items()
        }
        compiler = replace(base, name="compiler", digest=BUILDER)
        lock = replace(known.lock, coverage=coverage)
        return replace(known, lock=lock, compiler=compiler, build_apt=("zlib1g-dev",))

    return change


def _crossing(*platforms: str) -> Callable[[TargetFacts, InspectedBase], TargetFacts]:
    """As `_compiling`, with an image that cross-compiles for arm64."""

    def change(known: TargetFacts, base: InspectedBase) -> TargetFacts:
        cross = replace(base, name="cross", digest="sha256:" + "34" * 32)
        known = _compiling(*platforms)(known, base)
        return replace(known, cross={"linux/arm64": CrossCompiler(cross)})

    return change


def _on_every_platform(known: TargetFacts, base: InspectedBase) -> TargetFacts:
    assert known.lock
    coverage = {
        platform: tuple(
            replace(file, kind="wheel", filename=f"{file.name}-cp313-linux.whl", sha256="77" * 32)
            if file.kind == "none"
            else file
            for file in files
        )
        for platform, files in known.lock.coverage.items()
    }
    base = replace(base, platforms=base.platforms | {"linux/arm/v7"})
    return replace(known, base=base, lock=replace(known.lock, coverage=coverage))


def _with_another(known: TargetFacts, _base: InspectedBase) -> TargetFacts:
    """A second package with machine code, like the first."""
    assert known.lock
    coverage = {
        platform: (
            *files,
            *(replace(f, name=f"{f.name}-2") for f in files if not f.filename.endswith("-any.whl")),
        )
        for platform, files in known.lock.coverage.items()
    }
    return replace(known, lock=replace(known.lock, coverage=coverage))


def _in_turn(
    *changes: Callable[[TargetFacts, InspectedBase], TargetFacts],
) -> Callable[[TargetFacts, InspectedBase], TargetFacts]:
    def change(known: TargetFacts, base: InspectedBase) -> TargetFacts:
        for each in changes:
            known = each(known, base)
        return known

    return change


def _unchanged(known: TargetFacts, _base: InspectedBase) -> TargetFacts:
    return known


KINDS: dict[str, tuple[str, Callable[[TargetFacts, InspectedBase], TargetFacts]]] = {
    "local": ("package: true", _with_local_package),
    "apt": (f"apt: [libpq5], {STEP}", _with_apt),
    "builder": (STEP, _with_builder),
    "compiled-for-all": ("command: [a]", _compiling("linux/amd64", "linux/arm64")),
    "compiled-for-one": ("command: [a]", _compiling("linux/arm64")),
    "cross-compiled-for-all": ("command: [a]", _crossing("linux/amd64", "linux/arm64")),
    "cross-compiled-for-one": ("command: [a]", _crossing("linux/arm64")),
    "cross-compiled-for-some": (
        "platforms: [linux/amd64, linux/arm64, linux/arm/v7]",
        _in_turn(_on_every_platform, _with_another, _crossing("linux/amd64", "linux/arm64")),
    ),
    "compiled-for-steps": (STEP, _compiling("linux/amd64")),
    "on-target": ("platforms: [linux/arm64, linux/arm/v7]", _on_every_platform),
    "on-target-alone": ("platforms: [linux/arm/v7]", _on_every_platform),
    "variants": ("per-platform: {linux/arm64: {env: {A: b}}}", _unchanged),
}


def rendered(kind: str) -> dict[str, str]:
    keys, change = KINDS[kind]
    spec = parse(f"version: 1\nimages: {{hello: {{{keys}}}}}\n", "buildspec.yaml")
    plan = make_plan(spec, _changed(facts_for(spec, {"hello": ""}), change))
    return render(plan, "/project/bake", "uv")


@pytest.mark.parametrize("kind", KINDS)
def test_a_dockerfile_has_the_stages_that_were_reviewed(
    kind: str, pytestconfig: pytest.Config
) -> None:
    text = rendered(kind)["hello.Dockerfile"]
    expected = CASES / f"{kind}.Dockerfile"
    if pytestconfig.getoption("update_golden"):
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(text)
    assert text == expected.read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_stages_and_layers_of_the_plan_are_those_of_the_dockerfile(kind: str) -> None:
    keys, change = KINDS[kind]
    spec = parse(f"version: 1\nimages: {{hello: {{{keys}}}}}\n", "buildspec.yaml")
    plan = make_plan(spec, _changed(facts_for(spec, {"hello": ""}), change))
    (image,) = plan.images
    text = render(plan, "/project/bake", "uv")["hello.Dockerfile"]

    named = re.findall(r"^FROM .* AS (\S+)$", text, re.M)
    aliases = {
        name for name in named if re.fullmatch(r"(final|deps|made-.*)-(amd64|arm64|arm)", name)
    }
    stages = [stage.name for stage in image.stages if stage.name != "platforms"]
    assert stages == [name for name in named if name not in aliases]
    assert len(set(named)) == len(named)
    # Each stage has a title that says more than its name.
    assert all(title_of(name) != name for name in stages)
    final = "".join(
        text.split(f" AS {name}\n")[1].split("\n\n")[0] + "\n"
        for name in named
        if name in ("debian-packages", "final")
    )
    made = [line for line in final.splitlines() if re.match(r"RUN |WORKDIR |COPY ", line)]
    assert len(layers_of(image.stages)) == len(made)
    mounted = set(re.findall(r"from=inputs,source=([a-z]+)-[0-9a-f]{12}", text))
    kinds = {getattr(read, "kind", "surroundings") for s in image.stages for read in s.reads}
    assert mounted == kinds
