"""Packages without a wheel that turn out otherwise than a plan can know."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from nox_buildkit.bases.cross_packages import Placing, placings
from nox_buildkit.debian.archive import host_archive
from nox_buildkit.debian.suite import Suite
from nox_buildkit.oci.platform import PLATFORMS, host_platform
from tests.support.oci import ImageIndex
from tests.support.package_index import NATIVE_TAGS, PackageIndex, new_version, serve
from tests.support.project import Project

SITE = "opt/venv/lib/python3.13/site-packages"
SPEC = """\
version: 1
images:
  web:
    base: debian
    build-apt: [libyaml-dev]
    apt: [libyaml-0-2]
    command: [python, -c, ""]
"""


@pytest.fixture
def sources(project: Project) -> Iterator[tuple[Project, PackageIndex, str]]:
    """A project, an index with sources of a version that nobody has compiled, and the version."""
    with serve() as index:
        project.env["UV_DEFAULT_INDEX"] = index.url
        project.write({"buildspec.yaml": SPEC})
        yield project, index, new_version()


def _ask_for(project: Project, name: str, version: str) -> None:
    project.write({"requirements.in": f"{name}=={version}\n"})
    project.ok("lock")


def test_sources_of_one_platform_that_have_no_machine_code_after_all_are_in_its_image(
    sources: tuple[Project, PackageIndex, str], both_platforms: None
) -> None:
    project, index, version = sources
    index.add("partly", version, NATIVE_TAGS["linux/amd64"])
    index.add_pure_sdist("partly", version)
    _ask_for(project, "partly", version)

    done = project.ok("build")
    reason = "there is no machine code in its wheel"
    assert f"partly=={version} does not cross-compile for linux/arm64: {reason}" in done.stderr
    image = ImageIndex.open(project.tar)
    whole = {platform: one.digest for platform, one in image.platforms.items()}
    text = image.platforms["linux/arm64"].read(f"{SITE}/partly.py")
    assert text == "BUILT_ON = 'aarch64'\n"
    assert f"{SITE}/partly/__init__.py" in image.platforms["linux/amd64"].own_names

    # Whichever platforms are asked for: a matrix builds what one machine builds.
    project.ok("build", "--platform", "linux/arm64")
    (one,) = ImageIndex.open(project.tar).platforms.values()
    assert one.digest == whole["linux/arm64"]


@pytest.mark.parametrize("platform", ["linux/arm64", "linux/amd64"])
def test_what_an_index_cannot_give_for_a_moment_is_no_property_of_a_package(
    sources: tuple[Project, PackageIndex, str], both_platforms: None, platform: str
) -> None:
    project, index, version = sources
    index.add_needing_sdist("needing", version, "maker")
    if platform == "linux/arm64":
        # Of one platform alone, it is cross-compiled at once.
        index.add("needing", version, NATIVE_TAGS["linux/amd64"])
    index.add("maker", version)
    _ask_for(project, "needing", version)

    gone = {file: index.stated.pop(file) for file in list(index.stated) if "maker" in file}
    done = project.nox("build", "--platform", platform)
    assert done.code != 0
    cause = f"needing=={version} cannot be compiled: what its build requires cannot be installed"
    assert cause in done.failure
    assert "maker" in done.stderr
    assert not project.tar.exists()

    index.stated |= gone
    done = project.ok("build", "--platform", platform)
    assert "does not cross-compile" not in done.stderr
    (image,) = ImageIndex.open(project.tar).platforms.values()
    machine = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}[platform]
    assert f"{SITE}/needing.cpython-313-{machine}-linux-gnu.so" in image.own_names


def test_a_compiler_that_args_name_is_not_replaced(
    sources: tuple[Project, PackageIndex, str], both_platforms: None
) -> None:
    project, index, version = sources
    index.add_sdist("named", version)
    _ask_for(project, "named", version)
    project.write({"buildspec.yaml": f"{SPEC}    args: {{CC: gcc, STRIP: strip}}\n"})

    done = project.ok("build", "--platform", "linux/arm64")
    reason = "'args' has CC and STRIP, for the machine that builds"
    assert f"named=={version} does not cross-compile for linux/arm64: {reason}" in done.stderr
    assert "'emulate: [named]' leaves out the attempt" in done.stderr


def test_debian_packages_that_exclude_each_other_are_a_reason_to_emulate_and_told(
    sources: tuple[Project, PackageIndex, str], both_platforms: None
) -> None:
    project, index, version = sources
    index.add_pure_sdist("simple", version)
    index.add("simple", version, NATIVE_TAGS["linux/amd64"])
    _ask_for(project, "simple", version)
    project.write({"buildspec.yaml": SPEC.replace("libyaml-dev", "ruby-dev")})

    plan = json.loads(project.ok("plan", "--json").stdout)["images"][0]
    (compilation,) = plan["compilations"]
    assert compilation["method"] == "emulated"
    assert "for amd64 and arm64 cannot be installed together: libruby" in compilation["why"]
    assert [text for text in plan["warnings"] if "compiled under emulation: " in text]


@pytest.mark.usefixtures("engine_home")
def test_a_virtual_package_is_for_the_machine_of_the_one_that_provides_it() -> None:
    suite = Suite.of(host_archive(), "trixie")
    # Provided by one package, by several, and by none.
    found = placings(suite, ["libz-dev", "zlib1g-dev", "awk", "no-such-package"])
    one = Placing("zlib1g-dev", "same", PLATFORMS[host_platform()].debian, "libdevel")
    assert found == {"libz-dev": one, "zlib1g-dev": one}
