"""Images that build on images of the same spec, images that differ by platform, and groups."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.containers import answer_of, running
from tests.support.faults import TIMELINE
from tests.support.oci import ImageIndex
from tests.support.project import Project
from tests.support.real_parts import free_port

BOTH = ("linux/amd64", "linux/arm64")
SPEC = """\
version: 1
defaults:
  base: debian
groups:
  services: [api, worker]
requirements:
  api: {source: requirements.api.in, output: requirements.api.lock}
images:
  common:
    copy: [app]
    requirements: common
    env: {NAME: common}
    labels: {com.example.team: web}
    command: [python, -m, app, "8000"]
  api:
    base: target:common
    copy: [api]
    requirements: api
    prestart: [[python, -c, "import api, fast, plain"]]
  worker:
    requirements: none
    copy: [worker]
    command: [python, -c, "import os; print(os.environ['NAME'])"]
    env: {NAME: everywhere, MORE: "1"}
    per-platform:
      linux/arm64:
        env: {NAME: arm}
        requirements: common
        directories: [/var/lib/worker]
"""


@pytest.fixture
def several(project: Project) -> Project:
    return project.write(
        {
            "buildspec.yaml": SPEC.replace(
                "requirements:\n  api",
                "requirements:\n  common: {source: requirements.in, output: requirements.lock}\n"
                "  api",
            ),
            "requirements.api.in": "plain==1.0\nfast\n",
            "api/__init__.py": "",
            "worker/__init__.py": "",
        }
    )


def _image(project: Project, name: str) -> ImageIndex:
    return ImageIndex.open(project.root / "dist" / f"{name}.oci.tar")


def test_an_image_on_another_has_its_layers_and_only_its_own_besides(
    several: Project, private_engine: PrivateEngine
) -> None:
    port = free_port()
    spec = several.root / "buildspec.yaml"
    spec.write_text(spec.read_text().replace('"8000"', f'"{port}"'))
    several.ok("build")

    for platform in BOTH:
        common = _image(several, "common").platforms[platform]
        api = _image(several, "api").platforms[platform]
        assert api.layers[: len(common.layers)] == common.layers
        own = [name for layer in api.layers[len(common.layers) :] for name in api.members(layer)]
        assert "app/api/__init__.py" in own
        assert not [name for name in own if "site-packages" in name]
        config = api.config["config"]
        assert "NAME=common" in config["Env"]
        assert len([entry for entry in config["Env"] if entry.startswith("PATH=")]) == 1
        assert config["Labels"]["com.example.team"] == "web"
        assert config["Labels"]["org.opencontainers.image.title"] == "api"

    private_engine.client.load(several.root / "dist" / "api.oci.tar")
    for platform, machine in zip(BOTH, ("x86_64", "aarch64"), strict=True):
        with running(private_engine.client, "api:latest", platform) as container:
            answer = answer_of(container, port, 60)
            assert (answer["machine"], answer["plain"], answer["pid"]) == (machine, "1.0", 1)

    # What it builds on is built with it, and is no result of its own.
    (several.root / "dist").rename(several.root / "before")
    several.ok("build", "api")
    made = {path.name for path in (several.root / "dist").iterdir()}
    assert made == {"api.oci.tar", "build.json", *TIMELINE}
    assert (
        _image(several, "api").digest
        == ImageIndex.open(several.root / "before" / "api.oci.tar").digest
    )
    assert "nothing changed" in several.ok("build", "api").stderr

    # A change below is a change of everything above it.
    several.write({"app/more.py": ""})
    several.ok("build", "api")
    assert _image(several, "api").platforms[BOTH[0]].read("app/app/more.py") == ""


def test_a_step_has_the_packages_of_the_image_below(several: Project) -> None:
    spec = several.root / "buildspec.yaml"
    make = "import pathlib, fast, plain; pathlib.Path('made').write_text(fast.PLATFORM)"
    step = json.dumps({"run": ["python", "-c", make], "output": ["made"]})
    spec.write_text(
        spec.read_text().replace(
            "    requirements: api\n", f"    steps: [{step}]\n    package: false\n"
        )
    )
    spec.write_text(
        spec.read_text().replace("    copy: [api]\n", "    copy: [api]\n    requirements: none\n")
    )
    several.ok("build", "api", "--platform", "linux/arm64")
    image = _image(several, "api").platforms["linux/arm64"]
    assert image.read("app/made") == "linux/amd64"


def test_an_image_that_is_different_on_a_platform(several: Project) -> None:
    plan = several.ok("plan", "worker")
    assert "worker-linux-arm64" in plan.stdout
    several.ok("build", "worker")

    amd64, arm64 = (_image(several, "worker").platforms[platform] for platform in BOTH)
    assert {"NAME=everywhere", "MORE=1"} <= set(amd64.config["config"]["Env"])
    assert {"NAME=arm", "MORE=1"} <= set(arm64.config["config"]["Env"])
    assert "var/lib/worker" in arm64.own_names
    assert "var/lib/worker" not in amd64.own_names
    assert [name for name in arm64.own_names if name.endswith("/plain/__init__.py")]
    assert not [name for name in amd64.own_names if "site-packages" in name]
    platforms = several.record()["images"]["worker"]["platforms"]
    kinds = {p: [layer["kind"] for layer in platforms[p]["layers"]] for p in BOTH}
    assert kinds["linux/arm64"] == ["base", "app", "pure", "native", "app", "app"]
    assert kinds["linux/amd64"] == ["base", "app", "app", "app"]
    assert "nothing changed" in several.ok("build", "worker").stderr

    # One of them alone is the same image.
    several.ok("build", "worker", "--platform", "linux/arm64")
    assert _image(several, "worker").platforms["linux/arm64"].digest == arm64.digest


def test_a_loaded_file_has_every_tag(several: Project, private_engine: PrivateEngine) -> None:
    tags = "images.worker.tags=[one, two]"
    several.ok("build", "worker", "--platform", "linux/amd64", "--set", tags)
    private_engine.client.load(several.root / "dist" / "worker.oci.tar")
    for tag in ("one", "two"):
        said = private_engine.client.run(f"worker:{tag}", remove=True, platform="linux/amd64")
        assert said == "everywhere"


def test_a_group_is_its_images(several: Project) -> None:
    matrix = json.loads(several.ok("matrix", "services", "--json").stdout)["include"]
    assert [entry["image"] for entry in matrix] == ["api", "api", "worker", "worker"]
    cause = several.nox("plan", "service").cause
    assert "did you mean 'services'?" in cause
    assert cause.codes == ["NBK102"]


def test_a_rendered_folder_has_all_that_is_needed(several: Project) -> None:
    several.ok("render", "services", "--output", "bake")
    definition: dict[str, Any] = json.loads((several.root / "bake/docker-bake.json").read_text())
    assert definition["group"]["default"]["targets"] == ["api", "worker"]
    assert set(definition["target"]) == {"api", "common", "worker", "worker-linux-arm64"}
    assert definition["target"]["api"]["contexts"]["base"] == "target:common"


def test_two_versions_of_a_package_in_one_environment(several: Project) -> None:
    several.write({"requirements.api.in": "plain==1.1\nfast\n"})
    cause = several.nox("build", "api").cause
    assert cause.startswith("buildspec.yaml:17:5: images.api: ")
    assert "target:common has plain 1.0, and this image is to have 1.1" in cause
    assert cause.codes == ["NBK406"]
    assert "share one set of requirements" in cause


def test_debian_packages_come_with_the_image_below(several: Project) -> None:
    spec = several.root / "buildspec.yaml"
    spec.write_text(
        spec.read_text().replace("    copy: [api]\n", "    copy: [api]\n    apt: [tree]\n")
    )
    cause = several.nox("build", "api").cause
    assert "images.api.apt: " in cause
    assert "name them in images.common.apt" in cause


def test_a_program_before_a_command_that_is_not_there(several: Project) -> None:
    spec = several.root / "buildspec.yaml"
    spec.write_text(spec.read_text().replace('    command: [python, -m, app, "8000"]\n', "", 1))
    cause = several.nox("plan", "api").cause
    assert "images.api.prestart: 'target:common' has no command that it could come before" in cause


SHARED = """\
version: 1
defaults: {{base: debian, copy: [app]}}
requirements:
  web: {{source: requirements.in, output: requirements.lock}}
  other: {{source: requirements.other.in}}
images:
  a: {{requirements: web, command: [python, -m, app]}}
  b: {{requirements: other, command: [python, -m, app]}}
{more}
"""


def test_an_image_that_shares_a_lock_installs_nothing_again(project: Project) -> None:
    project.write(
        {"buildspec.yaml": SHARED.format(more=""), "requirements.other.in": "plain==1.1\n"}
    )
    project.ok("build")
    more = "  c: {requirements: web, command: [python, -m, app], directories: [/var/log/c]}"
    project.write({"buildspec.yaml": SHARED.format(more=more)})
    done = project.ok("build")
    assert "dist/a.oci.tar" not in done.stderr
    first, third = (_image(project, name).platforms[BOTH[1]] for name in ("a", "c"))
    assert set(first.own_layers) & set(third.own_layers)
    # What it needs around the application alone is made.
    assert project.record()["images"]["c"]["steps"]["executed"] <= 6


def test_a_changed_lock_rebuilds_the_images_that_have_it(project: Project) -> None:
    project.write(
        {"buildspec.yaml": SHARED.format(more=""), "requirements.other.in": "plain==1.1\n"}
    )
    project.ok("build")
    before = project.digest("a"), project.digest("b")
    project.write({"requirements.other.in": "plain==1.0\n"})
    done = project.ok("build")
    assert project.digest("a") == before[0]
    assert project.digest("b") != before[1]
    assert "dist/b.oci.tar" in done.stderr
    assert "dist/a.oci.tar" not in done.stderr
