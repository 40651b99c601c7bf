"""Packages without a wheel: compiled on the platform that they are for, once."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

import pytest

from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.oci import ImageIndex
from tests.support.package_index import NATIVE_TAGS, PackageIndex, new_version, serve
from tests.support.project import Project

#: What ctypes finds is what the dynamic linker's cache has, which a maintainer script would make.
PROGRAM = (
    "import cyaml, plain, ctypes.util as c; "
    "print(cyaml.version(), plain.VERSION, c.find_library('yaml-0'))"
)
SPEC = f"""\
version: 1
images:
  web:
    base: debian
    apt: [libyaml-0-2]
    build-apt: [libyaml-dev]
    command: [python, -c, "{PROGRAM}"]
"""
SITE = "opt/venv/lib/python3.13/site-packages"


@pytest.fixture
def compiled(project: Project) -> Iterator[tuple[Project, PackageIndex]]:
    """A project with a package in C that nobody has compiled before."""
    with serve() as index:
        version = new_version()
        index.add("plain", "1.0")
        index.add_sdist("cyaml", version)
        index.add("half", version, NATIVE_TAGS["linux/amd64"])
        index.add_sdist("half", version)
        project.env["UV_DEFAULT_INDEX"] = index.url
        project.write(
            {"requirements.in": f"plain\nhalf\ncyaml=={version}\n", "buildspec.yaml": SPEC}
        )
        project.ok("lock")
        yield project, index


def test_a_package_in_c_is_compiled_for_both_platforms_and_runs(
    compiled: tuple[Project, PackageIndex], private_engine: PrivateEngine, both_platforms: None
) -> None:
    project, index = compiled
    plan = json.loads(project.ok("plan", "--json").stdout)["images"][0]
    made = [[p["name"] for p in one["packages"] if p["compiled"]] for one in plan["platforms"]]
    assert made == [["cyaml"], ["cyaml", "half"]]
    shown = project.ok("plan").stdout
    assert "for linux/arm64, cross-compiled" in shown
    assert "emulation linux/arm64: for packages that do not cross-compile" in shown

    done = project.ok("build", "--progress", "json")
    assert sorted(_compiled_in(done.stdout)) == ["compiling cyaml"] * 2 + ["compiling half"]
    assert "does not cross-compile" not in done.stderr
    image = ImageIndex.open(project.tar)
    for name, machine in (("amd64", "x86_64"), ("arm64", "aarch64")):
        names = image.platforms[f"linux/{name}"].own_names
        assert f"{SITE}/cyaml.cpython-313-{machine}-linux-gnu.so" in names
        assert (f"{SITE}/half.cpython-313-{machine}-linux-gnu.so" in names) == (name == "arm64")
        # Nothing of the compiler, and nothing that was compiled with.
        assert not [n for n in names if n.endswith((".c", ".h", ".whl", "/gcc"))]
    private_engine.client.load(project.tar)
    for platform in image.platforms:
        said = private_engine.client.run("web:latest", platform=platform, remove=True)
        assert str(said).split() == ["0.2.5", "1.0", "libyaml-0.so.2"]

    assert project.record()["images"]["web"]["warnings"] == []

    # Another package is new: what was compiled is not compiled again, though the step runs.
    version = new_version()
    index.add_sdist("other", version)
    project.write(
        {"requirements.in": (project.root / "requirements.in").read_text() + f"other=={version}\n"}
    )
    done = project.ok("build", "--progress", "json", "--platform", "linux/amd64")
    assert _compiled_in(done.stdout) == ["compiling other"]


def test_packages_that_do_not_cross_compile_are_compiled_under_emulation_and_named(
    compiled: tuple[Project, PackageIndex], private_engine: PrivateEngine, both_platforms: None
) -> None:
    project, index = compiled
    version = new_version()
    index.add_refusing_sdist("refusing", version)
    # Its wheel has code for the machine that builds, and says that it is for the target.
    index.add_careless_sdist("careless", version)
    command = "import refusing, careless; print(refusing.version(), careless.version())"
    project.write(
        {
            "requirements.in": f"refusing=={version}\ncareless=={version}\n",
            "buildspec.yaml": SPEC.replace(PROGRAM, command),
        }
    )
    project.ok("lock")
    assert _methods(project) == {
        ("careless", "linux/amd64"): ("native", ""),
        ("careless", "linux/arm64"): ("cross", ""),
        ("refusing", "linux/amd64"): ("native", ""),
        ("refusing", "linux/arm64"): ("cross", ""),
    }
    stated = _methods(project, "--set", "images.web.emulate=[Refusing]")
    assert stated["refusing", "linux/arm64"] == ("emulated", "the spec says so")
    assert stated["careless", "linux/arm64"] == ("cross", "")

    arguments = ("build", "--platform", "linux/arm64", "--progress", "json")
    with project.start(*arguments) as process:
        events, said = process.communicate(timeout=900)
    assert process.returncode == 0, said
    code = "careless.cpython-313-aarch64-linux-gnu.so in its wheel is for another processor"
    for name, reason in (("refusing", "its build fails"), ("careless", code)):
        notice = (
            f"{name}=={version} does not cross-compile for linux/arm64: {reason}; it is compiled "
            f"under emulation ('emulate: [{name}]' leaves out the attempt)"
        )
        assert said.count(f"{notice}\n") == 1
        # The step that compiles it says so, too: the attempt may be in the cache.
        assert _logged(events).count(f"nox-buildkit: {notice}") == 2
    private_engine.client.load(project.tar)
    ran = private_engine.client.run("web:latest", platform="linux/arm64", remove=True)
    assert str(ran).split() == ["0.2.5", "0"]


def _methods(project: Project, *options: str) -> dict[tuple[str, str], tuple[str, str]]:
    """How a plan compiles each package for each platform, and why so."""
    plan = json.loads(project.ok("plan", "--json", *options).stdout)["images"][0]
    return {(x["name"], x["platform"]): (x["method"], x["why"]) for x in plan["compilations"]}


def test_sources_without_machine_code_are_built_once_for_all_platforms(
    compiled: tuple[Project, PackageIndex], both_platforms: None
) -> None:
    project, index = compiled
    version = new_version()
    index.add_pure_sdist("sourceonly", version)
    project.write({"requirements.in": f"plain\nsourceonly=={version}\n"})
    project.ok("build")

    image = ImageIndex.open(project.tar)
    where = {
        (layer, dict(one.contents(layer))[path].decode())
        for one in image.platforms.values()
        for layer in one.own_layers
        if (path := f"{SITE}/sourceonly.py") in one.members(layer)
    }
    # One layer, which both platforms have, made by the machine that builds.
    [(_, text)] = where
    assert text == "BUILT_ON = 'x86_64'\n"


def _compiled_in(events: str) -> list[str]:
    """What BuildKit's events say was compiled, in order."""
    lines = _logged(events)
    return [line.partition("==")[0] for line in lines if line.startswith("compiling ")]


def _logged(events: str) -> list[str]:
    """The lines of all steps, in BuildKit's events."""
    logs = [
        base64.b64decode(log["data"]).decode()
        for line in events.splitlines()
        for log in json.loads(line).get("logs", ())
    ]
    return "".join(logs).splitlines()


def test_a_build_backend_writes_nowhere_else_and_compiling_is_reproducible(
    compiled: tuple[Project, PackageIndex],
) -> None:
    project, index = compiled
    version = new_version()
    index.add_greedy_sdist("greedy", version)
    index.add_pure_sdist("victim", version)
    lines = (project.root / "requirements.in").read_text().replace("half\n", "")
    project.write(
        {
            "requirements.in": f"{lines}greedy=={version}\nvictim=={version}\n",
            "buildspec.yaml": SPEC
            + "    steps:\n"
            + '      - {run: [python, -c, \'import cyaml; open("made", "w")\'], output: [made]}\n',
        },
    )
    done = project.ok("build", "--platform", "linux/amd64", "--progress", "json")
    # The image and its step have the same file.
    names = ("compiling cyaml", "compiling greedy", "compiling victim")
    assert sorted(_compiled_in(done.stdout)) == sorted(names)
    image = ImageIndex.open(project.tar).platforms["linux/amd64"]
    # Its own stage, of which nothing but its wheel is taken.
    assert "WRITTEN = ['/']\n" in image.read(f"{SITE}/greedy.py")
    assert image.read(f"{SITE}/victim.py") == "BUILT_ON = 'x86_64'\n"

    first = project.digest()
    project.ok("build", "--platform", "linux/amd64", "--no-cache")
    assert project.digest() == first


def test_a_package_that_does_not_compile_is_named_with_its_platform(
    compiled: tuple[Project, PackageIndex],
) -> None:
    project, index = compiled
    version = new_version()
    index.add_sdist("broken", version, "#include <nowhere.h>\n")
    project.write({"requirements.in": f"broken=={version}\n"})
    done = project.nox("build", "--platform", "linux/amd64")
    assert done.code != 0
    assert "nowhere.h: No such file" in done.stderr
    # A backend may throw what it likes; the last line is ours.
    cause = done.stderr.splitlines()[-1]
    assert "aborted: web, linux/amd64, compiled package broken 1/1: " in cause
    assert f"broken=={version} cannot be compiled: there is no nowhere.h; add" in cause
    assert "[NBK602]" in cause
    assert not project.tar.exists()


def test_the_pythons_that_have_a_wheel_are_named(compiled: tuple[Project, PackageIndex]) -> None:
    project, index = compiled
    version = new_version()
    index.add_sdist("broken", version, "#include <nowhere.h>\n")
    for python in ("311", "312"):
        index.add("broken", version, f"cp{python}-cp{python}-manylinux_2_17_x86_64")
    project.write({"requirements.in": f"broken=={version}\n"})
    done = project.nox("build", "--platform", "linux/amd64")
    assert done.code != 0
    hint = f"broken {version} has wheels for Python 3.11, 3.12 on linux/amd64: write 'python: "
    assert f'{hint}"3.12"\'' in done.stderr.splitlines()[-1]


def test_a_debian_package_that_is_not_there_is_named(project: Project) -> None:
    # A regular expression that many packages match; a virtual package; a slip.
    names = "libpq5, libldap-2.5, awk, libyaml-0-3"
    project.write({"buildspec.yaml": SPEC.replace("libyaml-0-2", names)})
    failure = project.nox("build").failure
    virtual, *wrong = failure.splitlines()
    assert failure.codes == ["NBK507"] * 3
    assert virtual.startswith("buildspec.yaml:5:32: images.web.apt.2: 'awk' is a virtual package")
    assert virtual.endswith("; name one of them: original-awk, mawk, gawk")
    assert wrong[0].startswith("buildspec.yaml:5:19: images.web.apt.1: no package of Debian trixie")
    assert wrong[1].startswith("buildspec.yaml:5:37: images.web.apt.3: no package of Debian trixie")
    assert "is named 'libyaml-0-3'; did you mean libyaml-0-2 or" in wrong[1]


def test_a_plan_names_debian_packages_with_their_versions(project: Project) -> None:
    # Known by the name that it had before a transition, and one that others of the base need, too.
    spec = SPEC.replace("libyaml-0-2", "libssl3, openssl")
    project.write({"buildspec.yaml": spec})
    plan = json.loads(project.ok("plan", "--json").stdout)["images"][0]
    there = {one["name"]: one for one in plan["debian"]}
    assert (there["libssl3t64"]["asked"], there["openssl"]["asked"]) == ("libssl3", "openssl")
    assert there["libc6"]["asked"] == ""
    assert there["libc6"]["platforms"] == ["linux/amd64", "linux/arm64"]
    shown = project.ok("plan").stdout
    assert f"libssl3t64 {there['libssl3t64']['version']}, for libssl3\n" in shown
    assert "libc6 " not in shown


def test_a_library_that_was_forgotten_is_named_with_who_needs_it(
    compiled: tuple[Project, PackageIndex],
) -> None:
    project, _ = compiled
    project.write({"buildspec.yaml": SPEC.replace("    apt: [libyaml-0-2]\n", "")})
    done = project.ok("build", "--platform", "linux/amd64")
    path = f"/{SITE}/cyaml.cpython-313-x86_64-linux-gnu.so"
    begin = f"web, linux/amd64: libyaml-0.so.2 is not in the image, and {path} needs it; "
    (said,) = project.record()["images"]["web"]["warnings"]
    # The list of files of a release may be out of reach; then the usual rule names the package.
    assert re.fullmatch(rf"{re.escape(begin)}.*Debian's package .*libyaml-0-2", said)
    assert f"warning: {said}\n" in done.stderr
    # It is said again as long as it is so.
    assert f"warning: {said}\n" in project.ok("build", "--platform", "linux/amd64").stderr
