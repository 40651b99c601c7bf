"""A spec in, everything that is generated from it out, compared with files read in review."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packaging.pylock import Pylock

from nox_buildkit.build.explanation import places_of
from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.runtime import File
from nox_buildkit.buildspec.model.targets import all_targets
from nox_buildkit.buildspec.model.variant import Variant
from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.errors import PlanError
from nox_buildkit.facts.coverage import cover
from nox_buildkit.facts.placed_files import downloaded
from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.application import File as SourceFile
from nox_buildkit.plan.application import Sources
from nox_buildkit.plan.base import LayoutImage, PlannedImage, RegistryImage
from nox_buildkit.plan.document import plan_document
from nox_buildkit.plan.facts import (
    BaseFacts,
    ContextFacts,
    Facts,
    GitFacts,
    InspectedBase,
    LocalWheel,
    LockFacts,
    PinnedBase,
    PlacedSource,
    TargetFacts,
)
from nox_buildkit.plan.layer_changes import layer_changes
from nox_buildkit.plan.layer_inputs import layer_inputs
from nox_buildkit.plan.planner import make_plan
from nox_buildkit.plan.wheel_platforms import Libc
from nox_buildkit.render.bake_definition import render
from nox_buildkit.report.layer_changes import Places, sentences

CASES = Path(__file__).parent / "cases"
COMMITTED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def placed(file: File) -> tuple[PlacedSource, ...]:
    """What an entry places: of a ``dist``, a folder with a program, an asset and a link."""
    path = f"/project/{file.source}"
    if file.is_downloaded:
        return downloaded(file).sources
    if file.from_:
        return ()
    if not file.source.endswith("dist"):
        return (PlacedSource("", path, size=7, digest="cd" * 32),)
    return (
        PlacedSource("", path, "folder"),
        PlacedSource("empty", f"{path}/empty", "folder"),
        PlacedSource("my $HOME.js", f"{path}/my $HOME.js", size=5, digest="e1" * 32),
        PlacedSource("now", f"{path}/now", "link", 3, "e2" * 32, link="run"),
        PlacedSource("run", f"{path}/run", size=9, digest="e3" * 32, executable=True),
    )


def taken(image: Variant) -> dict[str, BaseFacts]:
    """The images that files of ``image`` are taken from."""
    sources = {f.from_: image.taken.get(n) for n, f in enumerate(image.files) if f.from_}
    digest = "sha256:" + "ef" * 32
    return {
        name: PinnedBase(
            name=name,
            source=PlannedImage(own) if own else RegistryImage(name.partition(":")[0], digest),
            digest="" if own else digest,
            platforms=frozenset(PLATFORMS),
        )
        for name, own in sources.items()
    }


def facts_for(spec: BuildSpec, names: dict[str, str | None]) -> Facts:
    """Facts of a made-up project; ``names``: image → its index, None for no requirements."""
    pylock = Pylock.from_dict(tomllib.loads((CASES / "pylock.toml").read_text()))
    coverage = cover(pylock, PLATFORMS.values(), "3.13", Libc("glibc", (2, 41)))
    base = InspectedBase(
        name="debian",
        source=LayoutImage(
            "/cache/bases/debian",
            "sha256:" + "ab" * 32,
            (("linux/amd64", "sha256:" + "a1" * 32), ("linux/arm64", "sha256:" + "b2" * 32)),
        ),
        digest="sha256:" + "ab" * 32,
        platforms=frozenset(PLATFORMS),
        libc=Libc("glibc", (2, 41)),
        packages={
            "linux/amd64": {"libglib2.0-0t64": "2.84.4-3", "python3": "3.13.5-1"},
            "linux/arm64": {"libglib2.0-0t64": "2.84.4-3+b1", "python3": "3.13.5-1"},
        },
        asked={"libglib2.0-0": "libglib2.0-0t64", "python3": "python3"},
    )
    return Facts(
        uv="0.13.9",
        generator="sha256:" + "99" * 32,
        git=GitFacts("c0ffee" * 6 + "c0ff", True, COMMITTED, "https://github.com/octocat/demo"),
        created=COMMITTED,
        targets={
            target.name: TargetFacts(
                base=replace(
                    base, name=target.variant.base, source=PlannedImage(target.parent.image)
                )
                if target.parent
                else base,
                builder=base if target.parent else None,
                files=tuple(map(placed, target.variant.files)),
                taken=taken(target.variant),
                context=ContextFacts(
                    Sources.of(
                        "/project",
                        (SourceFile("app/main.py", 120, "ef" * 32),),
                        (".git", "odd*name[1]", "dist"),
                    ),
                    version="1.2.0",
                ),
                lock=None
                if names[target.image] is None
                else LockFacts(
                    "requirements.lock", "pyproject.toml", coverage, names[target.image] or None
                ),
            )
            for target in all_targets(spec)
        },
    )


@pytest.mark.parametrize("case", ["smallest", "everything", "several", "platforms", "start"])
def test_generated_files_are_those_that_were_reviewed(
    case: str, pytestconfig: pytest.Config
) -> None:
    spec = parse((CASES / f"{case}.yaml").read_text(), f"{case}.yaml")
    indexes: dict[str, str | None] = {}
    for name, image in spec.images.items():
        named = spec.requirements.get(image.requirements or "")
        index = f"{image.requirements}={named.index}" if named else ""
        indexes[name] = None if image.requirements == "none" else index
    plan = make_plan(spec, facts_for(spec, indexes))
    generated = render(plan, "/project/bake", "uv")
    generated = {n: t for n, t in generated.items() if not n.endswith(".py")}
    generated["plan.json"] = json.dumps(plan_document(plan), indent=2) + "\n"

    folder = CASES / case
    if pytestconfig.getoption("update_golden"):
        shutil.rmtree(folder, ignore_errors=True)
        for name, text in generated.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    expected = {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert generated == expected


def test_the_same_facts_give_the_same_plan() -> None:
    spec = parse((CASES / "smallest.yaml").read_text(), "smallest.yaml")
    digests = {make_plan(spec, facts_for(spec, {"hello": ""})).images[0].digest for _ in range(3)}

    assert len(digests) == 1


def test_an_image_in_which_nothing_is_installed_says_so() -> None:
    for text, warned in (
        ("{command: [a]}", True),
        ("{requirements: none}", False),
        ("{base: 'target:b'}", False),
    ):
        spec = parse(f"version: 1\nimages: {{a: {text}, b: {{requirements: none}}}}", "spec.yaml")
        image, _ = make_plan(spec, facts_for(spec, {"a": None, "b": None})).images
        assert bool(image.warnings) == warned
    spec = parse("version: 1\nimages: {a: {command: [a]}}", "spec.yaml")
    (image,) = make_plan(spec, facts_for(spec, {"a": None})).images
    assert "no requirements were found in '.'" in image.warnings[0]


def test_steps_have_packages_of_every_machine_that_builds() -> None:
    steps = "steps: [{run: [make], output: [a]}]"
    spec = parse(f"version: 1\nimages: {{hello: {{{steps}}}}}", "spec.yaml")
    machines = ("linux/arm64", "linux/amd64")
    facts = replace(facts_for(spec, {"hello": ""}), native=machines)
    plan = make_plan(spec, facts)
    native = {
        one.platform: [package.filename for package in one.packages]
        for one in plan.images[0].packages.steps
    }
    assert [*native] == [*machines]
    assert any("aarch64" in name for name in native["linux/arm64"])
    assert not any("aarch64" in name for name in native["linux/amd64"])
    rendered = render(plan, "/project/bake", "uv")
    (folder,) = {name.split("/")[1] for name in rendered if name.startswith("inputs/steps-")}
    assert f"source={folder}/linux-$BUILDARCH," in rendered["hello.Dockerfile"]
    for machine in ("amd64", "arm64"):
        assert rendered[f"inputs/{folder}/linux-{machine}/requirements.txt"]


def test_what_a_build_backend_writes_is_read_by_no_other_build() -> None:
    spec = parse("version: 1\nimages: {hello: {build-apt: [zlib1g-dev]}}", "spec.yaml")
    facts = facts_for(spec, {"hello": ""})
    known = facts.targets["hello"]
    facts.targets["hello"] = replace(known, compiler=known.base, lock=_without_wheels(known.lock))
    rendered = render(make_plan(spec, facts), "/project/bake", "uv")
    stages = rendered["hello.Dockerfile"].split("\n\n")
    compiling = [stage for stage in stages if "make_wheel.py" in stage]
    assert {stage.split()[3][:5] for stage in compiling} == {"here-", "wheel"}
    for stage in compiling:
        assert "type=cache" not in stage
        assert len(re.findall(r"source=sdist-\w+,", stage)) == 1


def test_own_packages_with_machine_code_are_a_layer_of_their_own() -> None:
    spec = parse("version: 1\nimages: {hello: {package: true}}", "spec.yaml")
    facts = facts_for(spec, {"hello": ""})
    known = facts.targets["hello"]
    own = LocalWheel("shop", "1.0", "shop-1.0.tar.gz", "aa" * 32, 9, "/kept/shop", compiled=True)
    pure = LocalWheel("six", "1.0", "six-1.0-py3-none-any.whl", "bb" * 32, 9, "/kept/six")
    facts.targets["hello"] = replace(known, local=(own, pure), compiler=known.base)
    plan = make_plan(spec, facts)
    kinds = [(layer.kind, layer.stage) for layer in plan.images[0].layers]
    assert kinds[:4] == [
        ("app", "final"), ("pure", "deps-pure"), ("native", "deps-native"), ("app", "deps-local")
    ]  # fmt: skip
    assert kinds[4] == ("app", "own-native")
    text = render(plan, "/project/bake", "uv")["hello.Dockerfile"]
    stages = {stage.split(" AS ")[1].split()[0]: stage for stage in text.split("\n\n")[1:]}
    assert "make_wheel.py" in stages["wheel-shop-aaaaaaaa"]
    assert "made_wheels.py rest /run/wheels shop" in stages["own-native"]
    # The packages of the index do not wait for it, and stay when it changes.
    assert "from=wheels" not in stages["deps-native"]

    facts.targets["hello"] = replace(known, local=(own,))
    with pytest.raises(PlanError, match="shop has machine code, and it is not known what could"):
        make_plan(spec, facts)


def _without_wheels(lock: LockFacts | None) -> LockFacts:
    assert lock
    coverage = {
        platform: tuple(replace(file, kind="sdist", filename="x.tar.gz") for file in files)
        for platform, files in lock.coverage.items()
    }
    return replace(lock, coverage=coverage)


def _reasons(case: str, before: str, after: str) -> dict[str, list[str]]:
    """Why layers of the image ``api`` of a case are made again when its spec changes."""
    text = (CASES / f"{case}.yaml").read_text()
    assert before in text
    inputs = []
    for changed in (text, text.replace(before, after)):
        spec = parse(changed, "buildspec.yaml")
        plan = make_plan(spec, facts_for(spec, dict.fromkeys(spec.images, "")))
        (image,) = (image for image in plan.images if image.name == "api")
        inputs.append(layer_inputs(image))
    layers = layer_changes(*inputs)
    return {x.title: list(sentences(x, Places())) for x in layers if x.changes}


def test_another_file_of_an_image_is_the_reason_for_its_layer() -> None:
    assert _reasons("several", "source: /licenses", "source: /LICENSES") == {
        "user, folders and placed files": ["/usr/share/doc/tini changed"]
    }


def test_a_value_is_placed_in_its_own_image_whose_name_begins_like_another() -> None:
    text = "version: 1\nimages:\n  a:\n    env: {PORT: '1'}\n  api:\n    env: {PORT: '2'}\n"
    spec = parse(text, "buildspec.yaml")
    plan = make_plan(spec, facts_for(spec, dict.fromkeys(spec.images, "")))
    lines = {
        image.name: places_of(spec, Path("/project"), image.name, image).keys["env", "PORT"].line
        for image in plan.images
    }
    assert lines == {"a": 4, "api": 6}


def test_another_build_argument_is_the_reason_for_what_reads_it() -> None:
    assert _reasons("everything", "LEVEL: 3", "LEVEL: 4") == {
        "files of the steps": ["argument LEVEL 3 → 4"]
    }
