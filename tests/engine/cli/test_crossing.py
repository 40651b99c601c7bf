"""Sources of packages of the user's index: compiled here and cross-compiled, and started.

What a package came to is kept in docs/explanation, so that a run that ended early goes on: what
crossed and ran is not compiled again before its sources, or the scripts that compile, change.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
import tomllib
from collections.abc import Callable
from dataclasses import asdict

import pytest
import uv

from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.engine.private.engine import PrivateEngine
from nox_buildkit.plan.stages import CROSS, HERE, compiled_in
from nox_buildkit.render.inputs import scripts
from tests.support.crossed_packages import APT, BUILD_APT, MOST_DOWNLOADED, OTHERS, Case
from tests.support.crossings import ARM64, OTHER_PLATFORMS, Crossing, keep, kept
from tests.support.project import Project

#: Build systems and languages that are compiled for the other platforms as well. Packages with
#: Meson take numpy to run, which has no wheel there.
KINDS = ("pyyaml", "cffi", "protobuf", "orjson")
#: How many of `MOST_DOWNLOADED` have to cross-compile fast.
ENOUGH = 25
HOUR = 3600

pytestmark = [pytest.mark.campaign, pytest.mark.usefixtures("both_platforms")]


def _sources(case: Case) -> str:
    """A requirement of the newest sources of a package, as the index has them."""
    command = [uv.find_uv_bin(), "pip", "compile", "--quiet", "--no-deps", "--no-binary", case.name]
    command += ["--python-version", "3.13", "--format", "pylock.toml", "-"]
    asked = f"{case.name}{case.limit}\n".encode()
    done = subprocess.run(command, input=asked, capture_output=True, check=True)
    (package,) = tomllib.loads(done.stdout.decode())["packages"]
    sdist = package["sdist"]
    return f"{case.name} @ {sdist['url']}#sha256={sdist['hashes']['sha256']}"


def _key(requirement: str, case: Case) -> str:
    """What the time and the result of a package depend on."""
    names = ("make_wheel.py", "cross.py", "machine_code.py")
    compiling = [scripts()[f"scripts/{name}"] for name in names]
    return hashlib.sha256(json.dumps([requirement, compiling, asdict(case)]).encode()).hexdigest()


def _prepared(project: Project, platform: str, requirements: str, smoke: str) -> None:
    """Lock ``project`` with ``requirements`` for ``platform``, and ``smoke`` as its command."""
    image = {
        "base": "debian",
        "platforms": [platform],
        "build-apt": list(BUILD_APT),
        "apt": list(APT),
        "command": ["python", "-c", smoke],
    }
    spec = json.dumps({"version": 1, "images": {"web": image}})
    project.write({"buildspec.yaml": spec, "requirements.in": requirements})
    project.ok("lock")


def _built(project: Project) -> tuple[BuildProgress, list[str]]:
    """Build ``project`` with nothing that was compiled before.

    Return what it did, and what it said of packages that do not cross-compile.
    """
    with project.start("build", "--no-cache", "--progress", "json") as process:
        events, said = process.communicate(timeout=HOUR)
    assert process.returncode == 0, said[-4000:]
    progress = BuildProgress({})
    for line in events.splitlines():
        progress.feed(json.loads(line), time.monotonic())
    return progress, [line for line in said.splitlines() if "does not cross-compile" in line]


def _seconds(progress: BuildProgress, name: str, prefix: str) -> float:
    """The time of the stage that compiled the package ``name``."""
    stages = [(vertex.name.stage, vertex.seconds) for vertex in progress.vertices.values()]
    found = (s for stage, s in stages if compiled_in(stage) == name and stage.startswith(prefix))
    return round(sum(found), 1)


@pytest.fixture
def asking(project: Project, releases_alone: str, platform: str) -> Project:
    """The small project, with the index of the machine, and the Debian that has ``platform``."""
    project.env.pop("UV_DEFAULT_INDEX", None)
    if platform != ARM64:
        project.env["APT_CONFIG"] = releases_alone
    return project


@pytest.fixture(scope="session")
def assembled(private_engine: PrivateEngine) -> Callable[[Project, str], None]:
    """Give the engine the bases that compile for a platform: no package's time has that part."""
    markupsafe = next(case for case in MOST_DOWNLOADED if case.name == "markupsafe")
    done: set[str] = set()

    def assemble(project: Project, platform: str) -> None:
        if platform not in done:
            _prepared(project, platform, f"{_sources(markupsafe)}\n", "")
            _built(project)
            done.add(platform)

    return assemble


@pytest.mark.parametrize(
    ("platform", "case"),
    [
        pytest.param(platform, case, id=f"{platform.removeprefix('linux/')}-{case.name}")
        for platform in (ARM64, *OTHER_PLATFORMS)
        for case in (*MOST_DOWNLOADED, *OTHERS)
        if platform == ARM64 or case.name in KINDS
    ],
)
def test_sources_cross_compile_and_run(
    asking: Project,
    private_engine: PrivateEngine,
    assembled: Callable[[Project, str], None],
    platform: str,
    case: Case,
) -> None:
    requirement = _sources(case)
    key = _key(requirement, case)
    known = kept().get(platform, {}).get(case.name)
    if known and known.key == key and known.good:
        return
    assembled(asking, platform)
    needed = "".join(f"{one}\n" for one in (requirement, *case.more))
    _prepared(asking, platform, needed, case.smoke)
    progress, reasons = _built(asking)
    private_engine.client.load(asking.tar)
    private_engine.client.run("web:latest", platform=platform, remove=True)
    private_engine.client.image.remove("web:latest", force=True)
    crossing = Crossing(
        key,
        requirement.partition("#")[0].rpartition("/")[2],
        _seconds(progress, case.name, HERE),
        _seconds(progress, case.name, CROSS),
        os.cpu_count() or 1,
        "; ".join(reasons),
    )
    keep(platform, case.name, crossing)
    assert crossing.native and crossing.cross
    assert not reasons


def test_enough_of_what_is_downloaded_most_crosses_as_fast_as_it_compiles() -> None:
    records = kept()[ARM64]
    good = [
        case.name for case in MOST_DOWNLOADED if case.name in records and records[case.name].good
    ]
    assert len(good) >= ENOUGH, good
