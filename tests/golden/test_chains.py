"""Images on images, planned and rendered from made-up facts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.grammar import PLATFORMS
from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.plan.facts import Facts, InspectedBase
from nox_buildkit.plan.layer_changes import layer_changes
from nox_buildkit.plan.layer_inputs import layer_inputs
from nox_buildkit.plan.plan import Plan
from nox_buildkit.plan.planner import make_plan
from nox_buildkit.render.bake_definition import render
from tests.golden.test_golden import facts_for

HEAD = "version: 1\ndefaults: {base: debian}\nimages:\n"


def _planned(
    images: str,
    asked: Sequence[str] = (),
    platforms: Sequence[str] = (),
    *,
    entrypoint: tuple[str, ...] = (),
    apt: bool = False,
) -> Plan:
    spec = parse(HEAD + images, "spec.yaml")
    facts = _facts(spec, entrypoint, apt=apt)
    return make_plan(spec, facts, images=asked, platforms=platforms)


def _facts(spec: BuildSpec, entrypoint: tuple[str, ...], *, apt: bool) -> Facts:
    locked = {
        name: "" if image.requirements != "none" else None for name, image in spec.images.items()
    }
    facts = facts_for(spec, locked)
    for name, target in facts.targets.items():
        assert isinstance(target.base, InspectedBase)
        base = replace(target.base, platforms=frozenset(PLATFORMS), entrypoint=entrypoint, apt=apt)
        facts.targets[name] = replace(target, base=base)
    return facts


def _dockerfile(plan: Plan, name: str) -> str:
    return render(plan, "/project/bake", "uv")[f"{name}.Dockerfile"]


def test_what_is_below_on_no_platform_that_is_asked_for_has_no_part() -> None:
    images = """\
  common: {platforms: [linux/arm64], requirements: none}
  api:
    requirements: none
    per-platform: {linux/arm64: {base: 'target:common'}}
"""
    plan = _planned(images, ["api"], ["linux/amd64"])
    assert [image.name for image in plan.targets] == ["api"]
    assert [image.name for image in _planned(images, ["api"]).ancestors] == ["common"]


def test_the_largest_part_of_an_image_is_the_one_that_uses_the_others() -> None:
    plan = _planned(
        "  a:\n    platforms: [linux/arm/v7, linux/amd64, linux/arm64]\n    requirements: none\n"
        "    per-platform: {linux/arm/v7: {env: {A: b}}}\n"
    )
    targets = json.loads(render(plan, "/project/bake", "uv")["docker-bake.json"])["target"]
    assert targets["a-linux-arm-v7"]["platforms"] == ["linux/arm/v7"]
    assert set(targets["a"]["platforms"]) == {"linux/amd64", "linux/arm64", "linux/arm/v7"}


def test_steps_where_nothing_is_installed_have_no_environment() -> None:
    step = "steps: [{run: [make], output: [made]}]"
    plan = _planned(
        "  common: {requirements: none}\n"
        f"  api: {{requirements: none, base: 'target:common', {step}}}\n"
    )
    assert "/opt/venv" not in _dockerfile(plan, "api")


def test_steps_have_the_debian_packages_of_what_is_below() -> None:
    step = "steps: [{run: [make], output: [made]}]"
    plan = _planned(
        "  common: {requirements: none, apt: [libpq5]}\n"
        f"  api: {{requirements: none, base: 'target:common', apt: [tree], {step}}}\n",
        apt=True,
    )
    stages = _dockerfile(plan, "api").split("\nFROM ")
    asked = {
        stage.partition(" AS ")[2].split()[0]: stage.partition("--no-install-recommends -- ")[2]
        for stage in stages
        if "--no-install-recommends" in stage
    }
    assert asked["stepped"].startswith("tree libpq5;")
    assert asked["debian-packages"].startswith("tree;")


def test_what_is_started_is_inherited_over_several_levels() -> None:
    plan = _planned(
        "  a: {requirements: none, entrypoint: [tini, --], command: [run, a]}\n"
        "  b: {requirements: none, base: 'target:a'}\n"
        "  c: {requirements: none, base: 'target:b', prestart: [[migrate]]}\n"
    )
    text = _dockerfile(plan, "c")
    assert 'ENTRYPOINT ["python3", "-I", "/opt/prestart/prestart.py", "tini", "--"]' in text
    assert 'CMD ["run", "a"]' in text


def test_what_is_not_known_of_an_image_is_not_that_of_the_one_below() -> None:
    spec = parse(
        f"{HEAD}  a: {{requirements: none}}\n  b: {{requirements: none, base: 'target:a'}}\n",
        "spec.yaml",
    )
    facts = _facts(spec, (), apt=False)
    known = facts.targets["b"]
    facts.targets["b"] = replace(known, context=replace(known.context, version=""))
    text = _dockerfile(make_plan(spec, facts), "b")
    assert 'LABEL "org.opencontainers.image.version"=""' in text


def test_a_key_that_differs_on_a_platform_leaves_pure_packages_shared() -> None:
    alike = _planned("  a: {command: [a]}\n").images[0]
    plan = _planned("  a: {command: [a], per-platform: {linux/arm64: {env: {B: c}}}}\n")
    (image,) = plan.images
    assert image.packages.pure == image.variants[0].packages.pure == alike.packages.pure
    alone = _planned("  a: {command: [a]}\n", platforms=["linux/arm64"]).images[0]
    assert alone.packages.pure == alike.packages.pure


def test_a_long_chain_is_planned_at_once() -> None:
    images = "  i0: {requirements: none}\n" + "".join(
        f"  i{n}: {{requirements: none, base: 'target:i{n - 1}'}}\n" for n in range(1, 40)
    )
    assert len(_planned(images).images) == 40


def test_values_in_commands_are_inherited_with_what_runs_before_them() -> None:
    plan = _planned(
        "  a: {requirements: none, entrypoint: [tini, --], command: [run, '${A}'], "
        "prestart: [[wait, '${B:-b}']]}\n"
        # Nothing of its own to replace: the programs below stay in force, as they are.
        "  b: {requirements: none, base: 'target:a', command: [other]}\n"
        "  c: {requirements: none, base: 'target:b', command: [serve, '${C}']}\n"
        "  d: {requirements: none, base: 'target:a', prestart: [[migrate]]}\n"
        "  e: {requirements: none, base: 'target:a', entrypoint: [], command: [x, '${E}']}\n"
        "  f: {requirements: none, base: 'target:a', healthcheck: {test: [h, '${H}']}}\n"
        "  g: {requirements: none, base: 'target:a', command: [sh, -c, 'exec ${SHELL}']}\n"
    )
    start = '"python3", "-IS", "/opt/start/interpolate.py"'
    prestart = f'{start}, "python3", "-I", "/opt/prestart/prestart.py"'
    for name, entrypoint, command in (
        ("a", f'[{prestart}, "tini", "--"]', '["run", "${A}"]'),
        ("b", "", '["other"]'),
        ("c", f'[{prestart}, "tini", "--"]', '["serve", "${C}"]'),
        ("d", f'[{prestart}, "tini", "--"]', '["run", "${A}"]'),
        ("e", f"[{start}]", '["x", "${E}"]'),
        ("f", f'[{prestart}, "tini", "--"]', '["run", "${A}"]'),
        ("g", "", '["sh", "-c", "exec ${SHELL}"]'),
    ):
        lines = _dockerfile(plan, name).splitlines()
        found = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines if line}
        assert found.get("ENTRYPOINT", "") == entrypoint, name
        assert found["CMD"] == command, name
    assert f'CMD [{start}, "h", "${{H}}"]' in _dockerfile(plan, "f")
    words = {image.name: dict(image.application.interpolated) for image in plan.images}
    assert [*words["c"]] == ["${A}", "${B:-b}", "${C}"]
    assert [words["b"], words["g"]] == [{}, {}]
    ran = {image.name: image.application.prestart for image in plan.images}
    assert ran["c"] == (("wait", "${B:-b}"),)
    assert ran["e"] == ()


def test_keys_of_the_start_are_reasons_for_layers() -> None:
    def reasons(keys: str) -> set[tuple[str, str]]:
        before = _planned("  a: {requirements: none, command: [serve]}\n").images[0]
        after = _planned(f"  a: {{requirements: none, {keys}}}\n").images[0]
        changed = layer_changes(layer_inputs(before), layer_inputs(after))
        return {(layer.title, change.now.name) for layer in changed for change in layer.changes}

    around = ("user, folders and placed files", "user, directories and prestart")
    assert around in reasons("command: [serve, '${PORT}']")
    assert around in reasons("command: [serve], user: {name: a, uid: 9, from-environment: true}")
    assert ("application", "owner") in reasons("command: [serve], writable-workdir: true")
    assert reasons("command: [serve]") == set()
