"""Results of runners that did not build the same are told apart, whatever their commit says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nox_buildkit.build.matrix_inputs import Inputs, inputs_of, require_one_build
from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.errors import Code, ReleaseError
from nox_buildkit.plan.application import File, Sources
from nox_buildkit.plan.facts import Facts
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.plan.planner import make_plan
from tests.golden.test_golden import facts_for
from tests.support.codes import coded

AMD64, ARM64 = "linux/amd64", "linux/arm64"
HELLO = "  hello: {base: debian, command: [x]}\n"
#: The second platform builds on another image.
VARIANTS = "  hello: {base: debian, per-platform: {linux/arm64: {base: 'target:low'}}}\n"

Change = Callable[[Facts], Facts]


def planned(images: str, change: Change, *platforms: str) -> Plan:
    spec = parse(f"version: 1\nimages:\n{images}", "buildspec.yaml")
    facts = change(facts_for(spec, dict.fromkeys(spec.images, "")))
    return make_plan(spec, facts, images=["hello"], platforms=platforms)


def same(facts: Facts) -> Facts:
    return facts


def without_git(facts: Facts) -> Facts:
    return replace(facts, git=None)


def committed(facts: Facts) -> Facts:
    assert facts.git
    return replace(facts, git=replace(facts.git, dirty=False))


def other_generator(facts: Facts) -> Facts:
    return replace(facts, generator="sha256:other")


def other_version(facts: Facts) -> Facts:
    return _contexts(facts, version="1.3.0")


def other_sources(facts: Facts) -> Facts:
    files = (File("app/main.py", 121, "aa" * 32),)
    return _contexts(facts, sources=Sources.of("/project", files))


def _contexts(facts: Facts, **changes: object) -> Facts:
    targets = {
        name: replace(target, context=replace(target.context, **changes))  # type: ignore[arg-type]
        for name, target in facts.targets.items()
    }
    return replace(facts, targets=targets)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "requirements.lock").write_text("plain==1.0\n")
    return tmp_path


def result(root: Path, platform: str, change: Change, images: str = HELLO) -> dict[str, Inputs]:
    """What the runner of one platform writes, and what is read again."""
    plan = planned(images, change, platform)
    found = inputs_of(plan, plan.images[0], root)
    return {name: Inputs.parse(each.to_json()) for name, each in found.items()}


def require(image: ImagePlan, *found: dict[str, Inputs]) -> None:
    names = (Path(f"{number}.json") for number in range(len(found)))
    require_one_build(image, list(zip(names, found, strict=True)))


@pytest.mark.parametrize("git", [same, without_git, committed])
def test_platforms_of_one_build_have_them_in_common(root: Path, git: Change) -> None:
    whole = planned(HELLO, git).images[0]
    amd64, arm64 = result(root, AMD64, git), result(root, ARM64, git)
    assert (set(amd64), set(arm64)) == ({AMD64}, {ARM64})
    require(whole, amd64, arm64)


@pytest.mark.parametrize(
    ("change", "differing"),
    [
        (other_generator, "nox-buildkit"),
        (other_version, "the version of the project"),
        (other_sources, "the sources"),
    ],
)
def test_another_build_is_refused(root: Path, change: Change, differing: str) -> None:
    found = result(root, AMD64, without_git), result(root, ARM64, lambda f: change(without_git(f)))
    message = f"^1.json and 0.json are not of one build of hello: they differ in {differing}; "
    with pytest.raises(ReleaseError, match=message), coded(Code.MATRIX_RESULT):
        require(planned(HELLO, without_git).images[0], *found)


def test_another_lock_is_refused(root: Path) -> None:
    amd64 = result(root, AMD64, committed)
    (root / "requirements.lock").write_text("plain==1.1\n")
    arm64 = result(root, ARM64, committed)
    with pytest.raises(ReleaseError, match=": they differ in the lock; "):
        require(planned(HELLO, committed).images[0], amd64, arm64)


def test_files_that_a_job_makes_besides_a_commit_may_differ(root: Path) -> None:
    amd64 = result(root, AMD64, committed)
    arm64 = result(root, ARM64, lambda facts: other_sources(committed(facts)))
    require(planned(HELLO, committed).images[0], amd64, arm64)
    # A tree with changes is no commit.
    with pytest.raises(ReleaseError, match=": they differ in the sources; "):
        require(planned(HELLO, committed).images[0], amd64, result(root, ARM64, same))


def test_a_variant_has_sources_of_its_own(root: Path) -> None:
    images = f"  low: {{base: debian, requirements: none}}\n{VARIANTS}"
    found = result(root, AMD64, same, images), result(root, ARM64, same, images)
    assert found[0][AMD64] != found[1][ARM64]
    require(planned(images, same).images[0], *found)
