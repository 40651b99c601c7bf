"""From a project that has nothing of ours to an image that answers, without an edit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nox_buildkit.engine.private.engine import PrivateEngine
from nox_buildkit.lock.export import PDM, PIPENV
from nox_buildkit.lock.uv import run_tool
from nox_buildkit.oci.platform import host_platform
from tests.support.containers import answer_of, running
from tests.support.package_index import PackageIndex
from tests.support.project import Project, uv_lock
from tests.support.real_parts import free_port
from tests.support.shapes import SHAPES, Shape

EXAMPLES = Path(__file__).parents[3] / "examples"
BAKED = """\
# Images of this project, for linux/amd64 and linux/arm64. `nox -s build` builds them into dist/.
version: 1
images:
  # Target 'baked-api' of docker-bake.hcl. As the Dockerfile has it.
  baked-api:
    base: debian
    python: '3.13'
    args: {LEVEL: high}
    command: [python, serve.py, '8000']
    expose: [8000]
    tags: ['2.0']
    repositories: ['registry.example/octocat/{image}']
  # Target 'baked-worker' of docker-bake.hcl. As the Dockerfile has it.
  baked-worker:
    base: debian
    python: '3.13'
    args: {LEVEL: high}
    command: [python, -c, print('works')]
groups:
  services: [baked-api]
"""
#: Where images of these tests are, so that those of others are not replaced in the engine's store.
REGISTRY = "init.test/shapes"
ENV = {"DJANGO_SECRET_KEY": "of this container", "CELERY_FOLDER": "/tmp"}  # noqa: S108
#: By folder of examples: images that answer, and the tool that makes what is not committed.
ASKED: dict[str, tuple[list[str], str]] = {
    "django": (["django"], ""),
    "fastapi": (["hello"], ""),
    "pip-freeze": (["pip-freeze"], ""),
    "poetry": (["shop"], ""),
    "several": (["several"], ""),
    "workspace": (["api", "worker"], "uv"),
}


# The example has a poetry.lock.
TOOLS = {"pdm": PDM, "pipenv": PIPENV}


@pytest.fixture(scope="module")
def built(
    common: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Shape, PackageIndex], Project]:
    """What makes the project of a shape, as its author would leave it."""
    cache = str(tmp_path_factory.mktemp("uv"))

    def make(shape: Shape, index: PackageIndex) -> Project:
        # Other tools come from the index that everything else is from.
        named = shape.local and shape.lock not in TOOLS
        own = {"UV_DEFAULT_INDEX": index.url, "UV_CACHE_DIR": cache} if named else {}
        root = tmp_path_factory.mktemp("shape") / f"init-{shape.name}"
        files = {name: text.replace("INDEX", index.url) for name, text in shape.files.items()}
        project = Project(root, {**common, **own}).write(files)
        _lock(project, shape.lock)
        return project

    return make


def _lock(project: Project, tool: str) -> None:
    if tool == "uv":
        uv_lock(project)
    elif tool:
        run_tool(TOOLS[tool], [tool, "lock"], cwd=project.root)
        (project.root / ".pdm-python").unlink(missing_ok=True)


def _init(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nox_buildkit", *words],
        cwd=project.root,
        env=project.environment({}),
        capture_output=True,
        text=True,
        check=False,
    )


def _proposed(project: Project) -> None:
    done = _init(project, "init", "--base", "debian")
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("wrote buildspec.yaml\nwrote noxfile.py\nnext: nox -s build\n")


def _answer(
    project: Project, image: str, engine: PrivateEngine, platform: str
) -> dict[str, object]:
    tag = project.record()["images"][image]["tags"][-1]
    port = free_port()
    env = {**ENV, "PORT": str(port)}
    with running(engine.client, tag, platform, env, port) as container:
        return answer_of(container, port, 60)


@pytest.mark.parametrize("name", sorted(ASKED))
def test_every_example_answers_without_an_edit(
    name: str, common: dict[str, str], private_engine: PrivateEngine, tmp_path: Path
) -> None:
    ours = ("dist", "__pycache__", "buildspec.yaml", "noxfile.py")
    ignored = shutil.ignore_patterns(*ours)
    root = shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=ignored)
    project = Project(root, dict(common))
    images, lock = ASKED[name]
    _lock(project, lock)
    _proposed(project)
    here = str(host_platform())
    project.ok("build", "--platform", here, "--load", "--set", f"registry={REGISTRY}")
    for image in images:
        assert _answer(project, image, private_engine, here)


def test_no_example_is_left_out() -> None:
    assert {path.parent.name for path in EXAMPLES.glob("*/*.lock")} | {"workspace"} == set(ASKED)


@pytest.mark.parametrize("shape", [s for s in SHAPES if s.shape], ids=lambda shape: shape.name)
def test_an_application_answers_without_an_edit(
    shape: Shape, built: Callable[..., Project], private_engine: PrivateEngine, index: PackageIndex
) -> None:
    project = built(shape, index)
    _proposed(project)
    here = str(host_platform())
    words = ("--platform", here, "--load", "--set", f"registry={REGISTRY}")
    project.ok("build", *words)
    images = list(project.record()["images"])
    assert sorted(images) == sorted(shape.images or (f"init-{shape.name}",))
    first = shape.images[0] if shape.images else images[0]
    assert _answer(project, first, private_engine, here)["shape"] == shape.shape


@pytest.mark.parametrize("shape", [s for s in SHAPES if not s.shape], ids=lambda shape: shape.name)
def test_what_does_not_answer_is_planned(
    shape: Shape, built: Callable[..., Project], index: PackageIndex
) -> None:
    project = built(shape, index)
    _proposed(project)
    plan = json.loads(project.ok("plan", "--json").stdout)
    names = sorted(image["name"] for image in plan["images"])
    assert names == sorted(shape.images or (f"init-{shape.name}",))


def test_a_bake_file_is_read_by_buildx(
    built: Callable[..., Project], private_engine: PrivateEngine, index: PackageIndex
) -> None:
    project = built(next(shape for shape in SHAPES if shape.name == "bake"), index)
    done = _init(project, "init", "--base", "debian")
    assert done.stderr.splitlines() == [
        "image baked-api: Target 'baked-api' of docker-bake.hcl. As the Dockerfile has it.",
        "image baked-worker: Target 'baked-worker' of docker-bake.hcl. As the Dockerfile has it.",
        "note: docker-bake.hcl:15: secret: not taken over",
        "note: docker-bake.hcl:4: target 'common' is in no group, so it is no image",
        "wrote buildspec.yaml",
        "wrote noxfile.py",
        "next: nox -s build",
    ]
    assert (project.root / "buildspec.yaml").read_text() == BAKED


def test_no_file_is_overwritten(project: Project) -> None:
    def files() -> dict[Path, bytes]:
        found = (path for path in project.root.rglob("*") if path.is_file())
        return {path: path.read_bytes() for path in found if "__pycache__" not in path.parts}

    before = files()
    done = project.nox("init")
    assert "buildspec.yaml is there already, and stays as it is; '--diff' shows" in done.cause
    assert done.cause.codes == ["NBK106"]
    shown = project.ok("init", "--diff").stdout
    assert shown.startswith("--- ")
    assert "+  # A program, found in app/__main__.py." in shown
    document = json.loads(project.ok("init", "--json").stdout)
    assert document["images"][0]["command"] == ["python", "-m", "app"]
    assert files() == before


def test_a_noxfile_of_others_gets_a_note(project: Project) -> None:
    (project.root / "buildspec.yaml").unlink()
    project.write({"noxfile.py": "import nox\n"})
    done = _init(project, "init")
    assert "note: add to noxfile.py: from nox_buildkit import register; register()" in done.stderr
    assert (project.root / "noxfile.py").read_text() == "import nox\n"


def test_help_of_init_without_a_noxfile(project: Project) -> None:
    done = _init(project, "init", "--help")
    assert done.returncode == 0
    assert "python -m nox_buildkit init [options]" in done.stdout
