"""Bases that come from registries: presets, images without a shell, mirrors, locked digests.

The registries are stand-ins: see standins.py.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nox_buildkit.engine.private import emulation
from nox_buildkit.engine.private.engine import PrivateEngine
from nox_buildkit.facts.base_images import Bases
from nox_buildkit.lock.uv_binary import uv_programs
from nox_buildkit.progress import SILENT
from tests.support.containers import answer_of, running
from tests.support.oci import ImageIndex
from tests.support.package_index import NATIVE_TAGS, new_version, serve
from tests.support.project import Project
from tests.support.real_parts import Tools, free_port, in_cache
from tests.support.registries import Registry, serve_registry
from tests.support.standins import (
    COMPILERS,
    PLATFORMS,
    SERVER_PORT,
    STAND_INS,
    push,
    push_for_arm,
    push_with_apt,
)

MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
VENV = "opt/venv/bin/python"
#: A module in C that needs nothing but Python.
HALF = """\
#include <Python.h>

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "half"};

PyMODINIT_FUNC PyInit_half(void) { return PyModule_Create(&module); }
"""


@pytest.fixture(scope="module")
def hub(
    template: Project, engine_home: Path, tools: Tools, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Registry]:
    """A registry with all stand-ins."""
    template.ok("plan")
    with serve_registry(tmp_path_factory.mktemp("hub"), engine_home) as registry:
        with in_cache(engine_home):
            Bases(_nobody, _nobody, SILENT).of_debian("3.13", PLATFORMS, COMPILERS)
            push(registry.address, tools.skopeo, tmp_path_factory.mktemp("layouts"), STAND_INS)
        yield registry


def _nobody() -> Any:
    raise AssertionError("base debian needs no engine")


@pytest.fixture
def mirrored(project: Project, hub: Registry) -> Project:
    """A small project that finds every public registry in the stand-in."""
    return project.write({"buildspec.yaml": _spec(hub, "slim")})


def _spec(hub: Registry, base: str, **keys: object) -> str:
    prefixes = ("docker.io", "gcr.io", "cgr.dev", "dhi.io")
    spec = {
        "version": 1,
        "mirrors": dict.fromkeys(prefixes, hub.address),
        "images": {"web": {"base": base, "command": ["python", "-m", "app", "8000"], **keys}},
    }
    # JSON is YAML.
    return json.dumps(spec)


def test_an_image_without_a_shell_has_values_in_its_command(
    mirrored: Project, hub: Registry, private_engine: PrivateEngine
) -> None:
    command = ["python", "-m", "app", "${PORT:-8000}"]
    keys = {"platforms": ["linux/amd64"], "command": command}
    mirrored.write({"buildspec.yaml": _spec(hub, "distroless", **keys)})
    mirrored.ok("build", "--load")
    port = free_port()
    env = {"PORT": str(port)}
    with running(private_engine.client, "web:latest", "linux/amd64", env) as container:
        answer = answer_of(container, port, 60)
        assert (answer["pid"], answer["uid"]) == (1, 10001)


@pytest.mark.usefixtures("both_platforms")
@pytest.mark.parametrize(
    ("base", "interpreter"),
    [
        ("slim", "/usr/local/bin/python3.13"),
        ("full", "/usr/local/bin/python3.13"),
        ("distroless", "/usr/bin/python3.13"),
        ("chainguard", "/usr/bin/python3.13"),
        ("dhi", "/usr/bin/python3.13"),
    ],
)
def test_a_preset_answers_on_both_platforms(
    mirrored: Project, hub: Registry, private_engine: PrivateEngine, base: str, interpreter: str
) -> None:
    port = free_port()
    command = ["python", "-m", "app", str(port)]
    mirrored.write({"buildspec.yaml": _spec(hub, base, command=command)})

    mirrored.ok("build")

    image = ImageIndex.open(mirrored.tar)
    private_engine.client.load(mirrored.tar)
    for platform, machine in MACHINES.items():
        built = image.platforms[platform]
        links = [built.members(layer).get(VENV) for layer in built.own_layers]
        # uv links to the name on PATH, which leads to the same program.
        (target,) = [link.linkname for link in links if link]
        assert target in (interpreter, interpreter.removesuffix(".13"))
        with running(private_engine.client, "web:latest", platform) as container:
            answer = answer_of(container, port, 60)
        assert (answer["machine"], answer["uid"]) == (machine, 10001)


def test_debian_packages_on_a_base_with_apt(
    mirrored: Project, hub: Registry, tools: Tools, engine_home: Path, tmp_path: Path
) -> None:
    with in_cache(engine_home):
        push_with_apt(hub.address, tools.skopeo, tmp_path)
    keys = {"platforms": ["linux/amd64"], "apt": ["libyaml-0.2"]}
    mirrored.write({"buildspec.yaml": _spec(hub, "python:3.13-apt", **keys)})
    cause = mirrored.nox("build").cause
    assert "images.web.apt.0: web, linux/amd64, Debian packages" in cause
    assert "is named 'libyaml-0.2'; did you mean one of libyaml-0-2" in cause
    # The second is what a package with another name provides; the third brings a user.
    keys["apt"] = ["libyaml-0-2", "libssl3", "tcpdump"]
    mirrored.write({"buildspec.yaml": _spec(hub, "python:3.13-apt", **keys)})
    mirrored.ok("build")
    image = ImageIndex.open(mirrored.tar).platforms["linux/amd64"]
    added = image.members(image.own_layers[0])
    assert "usr/lib/x86_64-linux-gnu/libyaml-0.so.2" in added
    # Accounts of packages are there, beside that of the image.
    users = [line.split(":")[0] for line in image.read("etc/passwd").splitlines()]
    assert {"root", "tcpdump", "app"} <= set(users)
    # Nothing that apt and dpkg write down is left.
    assert not [n for n in added if n.startswith(("var/log/", "var/lib/apt/lists/", "run/apt/"))]
    assert not [n for n in image.own_names if n.endswith(".deb")]
    # What the step changed has no time of today.
    assert not [n for n, member in added.items() if member.mtime > time.time() - 86400]
    assert mirrored.record()["images"]["web"]["warnings"] == []


@pytest.fixture
def hub_for_arm(hub: Registry, engine_home: Path, tools: Tools, tmp_path: Path) -> Registry:
    """The registry, with a base for linux/arm/v7, whose programs run here."""
    with in_cache(engine_home):
        push_for_arm(hub.address, tools.skopeo, tmp_path)
        emulation.ensure(["linux/arm/v7"], os.uname().machine)
        # The index of the test has none.
        uv_programs(["linux/arm/v7"])
    return hub


def test_a_32_bit_raspberry_pi(
    mirrored: Project, hub_for_arm: Registry, private_engine: PrivateEngine
) -> None:
    """Packages for linux/arm/v7 are installed there, since uv does not know it as a target."""
    port = free_port()
    keys = {
        "command": ["python", "-m", "app", str(port)],
        "platforms": ["linux/amd64", "linux/arm/v7"],
        "python": "3.11",
    }
    mirrored.write({"buildspec.yaml": _spec(hub_for_arm, "python:3.11-slim-arm", **keys)})
    with serve() as index:
        version = new_version()
        index.add("plain", "1.0")
        tag = NATIVE_TAGS["linux/amd64"].replace("313", "311")
        index.add("fast", version, tag, text="PLATFORM = 'amd64'\n")
        index.add("fast", version, "cp311-cp311-linux_armv7l", text="PLATFORM = 'arm'\n")
        marked = "plain==1.0; platform_machine == 'armv7l'\n"
        mirrored.env["UV_DEFAULT_INDEX"] = index.url
        mirrored.write({"requirements.in": f"fast=={version}\n{marked}"})
        mirrored.ok("lock")
        plan = mirrored.ok("plan")
        assert "emulation linux/arm/v7: packages are installed there" in plan.stdout
        assert "linux_armv7l" in plan.stdout
        mirrored.ok("build")

    image = ImageIndex.open(mirrored.tar)
    assert set(image.platforms) == {"linux/amd64", "linux/arm/v7"}
    names = {platform: one.own_names for platform, one in image.platforms.items()}
    plain = "opt/venv/lib/python3.11/site-packages/plain/__init__.py"
    assert plain in names["linux/arm/v7"]
    assert plain not in names["linux/amd64"]
    private_engine.client.load(mirrored.tar)
    with running(private_engine.client, "web:latest", "linux/arm/v7") as container:
        answer = answer_of(container, port, 60)
    assert (answer["machine"], answer["fast"], answer["plain"]) == ("armv7l", "arm", "1.0")


def test_the_full_image_is_a_base_too(mirrored: Project, hub: Registry) -> None:
    mirrored.write({"buildspec.yaml": _spec(hub, "full", platforms=["linux/amd64"])})
    plan = json.loads(mirrored.ok("plan", "--json").stdout)["images"][0]
    assert plan["base"]["name"] == "docker.io/library/python:3.13"
    assert plan["base"]["source"]["repository"] == f"{hub.address}/library/python:3.13"
    assert plan["builder"] is None


def test_a_base_without_a_shell_is_built_for_by_its_pair(mirrored: Project, hub: Registry) -> None:
    mirrored.write({"buildspec.yaml": _spec(hub, "distroless")})
    plan = json.loads(mirrored.ok("plan", "--json").stdout)["images"][0]
    assert plan["builder"]["name"] == "docker.io/library/python:3.13-slim-trixie"
    # The base's entrypoint is the interpreter, which would take "python" for a script.
    assert plan["config"]["entrypoint"] == []

    mirrored.write({"buildspec.yaml": _spec(hub, "gcr.io/distroless/python3-debian13:debug")})
    plan = json.loads(mirrored.ok("plan", "--json").stdout)["images"][0]
    assert plan["builder"]["name"] == "docker.io/library/python:3.13-slim-trixie"

    mirrored.write({"buildspec.yaml": _spec(hub, "distroless", **{"build-base": "debian"})})
    plan = json.loads(mirrored.ok("plan", "--json").stdout)["images"][0]
    assert plan["builder"]["name"] == "debian"


def test_packages_without_a_wheel_are_compiled_in_what_belongs_to_the_base(
    mirrored: Project, hub: Registry
) -> None:
    with serve() as index:
        version = new_version()
        index.add_sdist("cyaml", version)
        mirrored.env["UV_DEFAULT_INDEX"] = index.url
        mirrored.write({"requirements.in": f"cyaml=={version}\n"})
        mirrored.ok("lock")
        for base, keys, compiler in (
            ("slim", {}, "docker.io/library/python:3.13"),
            ("chainguard", {}, "cgr.dev/chainguard/python:latest-dev"),
            ("distroless", {"build-base": "slim"}, "docker.io/library/python:3.13"),
        ):
            mirrored.write({"buildspec.yaml": _spec(hub, base, **keys)})
            plan = json.loads(mirrored.ok("plan", "--json").stdout)["images"][0]
            assert plan["compiler"]["name"] == compiler
        # Nothing is known that could compile for an image of somebody's without apt-get.
        mirrored.write({"buildspec.yaml": _spec(hub, "server")})
        assert f"cyaml {version} has no wheel for linux/amd64" in mirrored.nox("plan").failure


def test_what_has_no_wheel_is_compiled_in_the_full_image_for_one_without_a_shell(
    mirrored: Project, hub: Registry, private_engine: PrivateEngine
) -> None:
    with serve() as index:
        version = new_version()
        index.add_sdist("half", version, HALF)
        mirrored.env["UV_DEFAULT_INDEX"] = index.url
        command = ["python", "-c", "import half; print(half.__file__)"]
        keys: dict[str, object] = {"command": command, "platforms": ["linux/amd64"]}
        mirrored.write(
            {
                "requirements.in": f"half=={version}\n",
                "buildspec.yaml": _spec(hub, "distroless", **keys),
            }
        )
        mirrored.ok("lock")
        mirrored.ok("build")
    private_engine.client.load(mirrored.tar)
    said = private_engine.client.run("web:latest", remove=True)
    assert str(said).endswith("half.cpython-313-x86_64-linux-gnu.so")
    image = ImageIndex.open(mirrored.tar).platforms["linux/amd64"]
    assert not [name for name in image.own_names if name.endswith(("/gcc", "/Python.h"))]


@pytest.mark.usefixtures("both_platforms")
def test_a_base_keeps_its_command_where_the_spec_names_none(
    mirrored: Project, hub: Registry, private_engine: PrivateEngine
) -> None:
    spec = json.loads(_spec(hub, "server"))
    del spec["images"]["web"]["command"]
    mirrored.write({"buildspec.yaml": json.dumps(spec)})
    mirrored.ok("build")
    private_engine.client.load(mirrored.tar)
    for platform, machine in MACHINES.items():
        with running(private_engine.client, "web:latest", platform) as container:
            assert answer_of(container, SERVER_PORT, 60)["machine"] == machine


@pytest.mark.parametrize(
    ("base", "keys", "cause"),
    [
        ("slim", {"python": "3.12"}, "there is no base"),
        (
            "python:3.13-slim",
            {"python": "3.12"},
            "has Python 3.13, and the image is for Python 3.12",
        ),
        ("debian:trixie-slim", {}, "has no Python"),
        ("distroless", {"python": "3.12"}, "it has 3.11 and 3.13"),
        ("distroless", {"apt": ["libpq5"]}, "it has no apt-get"),
        ("distroless", {"build-base": "debian:trixie-slim"}, "has no shell or no Python"),
    ],
)
def test_a_base_that_does_not_fit_is_refused(
    mirrored: Project, hub: Registry, base: str, keys: dict[str, object], cause: str
) -> None:
    mirrored.write({"buildspec.yaml": _spec(hub, base, **keys)})
    said = mirrored.nox("build").cause
    assert cause in said
    assert said.startswith("buildspec.yaml:1:")


def test_a_release_without_updates_is_pointed_out(mirrored: Project, hub: Registry) -> None:
    base = "python:3.13-slim-buster"
    mirrored.write({"buildspec.yaml": _spec(hub, base, platforms=["linux/amd64"])})
    warning = "Debian 10 has had no security updates since 2024-06-30"
    assert warning in mirrored.ok("plan").stdout
    done = mirrored.ok("build")
    assert warning in done.stderr
    assert warning in mirrored.record()["images"]["web"]["warnings"][0]


def test_locked_bases_stay_until_they_are_refreshed(
    mirrored: Project, hub: Registry, tools: Tools, engine_home: Path, tmp_path: Path
) -> None:
    name = "python:3.13-slim"
    reference = f"docker.io/library/{name}"
    done = mirrored.ok("lock", "--bases")
    assert "bases.lock is written" in done.stderr
    locked = json.loads((mirrored.root / "bases.lock").read_text())["bases"]
    assert sorted(locked[reference]["platforms"]) == sorted(MACHINES)
    mirrored.ok("lock", "--bases", "--check", CI="true")

    # The tag moves on; the build does not.
    changed = {name: STAND_INS["python:3.13-slim-buster"]}
    with in_cache(engine_home):
        push(hub.address, tools.skopeo, tmp_path, changed)
    plan = json.loads(mirrored.ok("plan", "--json").stdout)["images"][0]
    assert plan["base"]["digest"] == locked[reference]["digest"]
    assert f"bases.lock is stale: {reference}" in mirrored.nox("lock", "--bases", "--check").cause
    mirrored.ok("lock", "--bases")
    plan = json.loads(mirrored.ok("plan", "--json").stdout)["images"][0]
    assert plan["base"]["digest"] != locked[reference]["digest"]

    mirrored.write({"buildspec.yaml": _spec(hub, "full")})
    cause = mirrored.nox("build", CI="true").cause
    assert "bases.lock does not have docker.io/library/python:3.13" in cause
    (mirrored.root / "bases.lock").write_text("{}")
    cause = mirrored.nox("build").cause
    assert "bases.lock cannot be read" in cause
    assert cause.codes == ["NBK404"]
    with in_cache(engine_home):
        push(hub.address, tools.skopeo, tmp_path, {name: STAND_INS[name]})
