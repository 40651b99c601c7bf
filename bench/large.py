"""Cases of large repositories: many images, many files, one large file. Nothing is built anew."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from bench.contenders import docker, nox
from bench.model import Case
from bench.project import HERE, commit
from bench.rounds import Measure, interleave
from bench.stage import Stage

IMAGES = 200
FILES = 100_000
#: Files in a folder.
_TOGETHER = 100
_LARGE = 2 << 30
_COMMAND = 'command: [python, -c, "print(1)"]'


def plan(stage: Stage) -> list[Case]:
    """Plans of many images that share a lock, and of as many with locks of their own."""
    shared = _project(stage, "plan-shared", _many_images(1))
    (shared / "requirements-0.txt").write_text("fastapi\n")
    stage.runner.run(nox("lock"), shared)
    lock = (shared / "requirements-0.lock").read_text()
    own = _project(stage, "plan-own", _many_images(IMAGES))
    for number in range(IMAGES):
        # A lock that was finished elsewhere; each is another one.
        (own / f"requirements-{number}.txt").write_text(f"{lock}# {number}\n")
    return [
        _planned(stage, "plan-shared", f"Plan of {IMAGES} images that share a lock", shared),
        _planned(stage, "plan-own", f"Plan of {IMAGES} images with locks of their own", own),
    ]


def _planned(stage: Stage, key: str, title: str, folder: Path) -> Case:
    stage.say(f"planning {IMAGES} images")
    measures: dict[str, Measure] = {
        "ours": partial(stage.runner.run, nox("plan"), folder),
        "ours-json": partial(stage.runner.run, nox("plan", "--json"), folder),
        "nox": partial(stage.runner.run, nox("nothing"), folder),
    }
    interleave(measures, 1)
    return Case(key, title, "s", "planned before", interleave(measures, stage.repeat))


def many_files(stage: Stage) -> list[Case]:
    """A context of many files of which none changed, beside `git status` of the same tree."""
    folder = _project(stage, "many-files", f"  many:\n    copy: [data]\n    {_COMMAND}\n")
    stage.say(f"writing {FILES} files")
    for number in range(FILES):
        path = folder / "data" / str(number // _TOGETHER) / f"{number}.txt"
        if not number % _TOGETHER:
            path.parent.mkdir(parents=True)
        path.write_text(f"{number}\n")
    commit(folder)
    stage.say(f"building with {FILES} files")
    build = partial(stage.runner.run, nox("build"), folder)
    measures: dict[str, Measure] = {
        "ours": build,
        "ours-planned": partial(stage.plan_anew, build),
        "git": partial(stage.runner.run, ["git", "status", "--short"], folder),
        "nox": partial(stage.runner.run, nox("nothing"), folder),
    }
    interleave(measures, 1)
    samples = interleave(measures, stage.repeat)
    title = f"{FILES:,} files in the context, nothing changed"
    return [Case("many-files", title, "s", "built before", samples)]


def large_file(stage: Stage) -> list[Case]:
    """A context with one file of 2 GiB, which did not change."""
    folder = _project(stage, "large-file", f"  large:\n    copy: [data]\n    {_COMMAND}\n")
    (folder / "data").mkdir()
    with (folder / "data/weights.bin").open("wb") as stream:
        stream.truncate(_LARGE)
    build = partial(stage.runner.run, nox("build", "--platform", "linux/amd64"), folder)
    stage.say("building with a file of 2 GiB")
    build()
    measures: dict[str, Measure] = {
        "ours": build,
        "ours-planned": partial(stage.plan_anew, build),
        "nox": partial(stage.runner.run, nox("nothing"), folder),
    }
    interleave(measures, 1)
    samples = interleave(measures, stage.repeat)
    title = "One file of 2 GiB in the context, nothing changed"
    return [Case("large-file", title, "s", "built before", samples)]


def load(stage: Stage) -> list[Case]:
    """Into the engine's store after one line changed, beside `docker load` of the same archive."""
    stage.build_once("ours")
    stage.loaded += [f"{stage.projects.image}:{tag}" for tag in ("latest", "0.1.0")]
    archive = docker(stage.engine, "load", "--input", str(stage.ours.archive))
    measures: dict[str, Measure] = {
        "ours": partial(stage.runner.run, stage.ours.build(), stage.ours.folder),
        "ours-load": partial(stage.runner.run, stage.ours.load(), stage.ours.folder),
        "docker-load": partial(stage.runner.run, archive, stage.ours.folder),
    }

    def change(_: int) -> None:
        stage.projects.change_source()
        stage.forget_images()

    samples = interleave(measures, stage.repeat, before=change)
    return [Case("load", "Built and loaded after one line changed", "s", "built before", samples)]


def _project(stage: Stage, name: str, images: str) -> Path:
    folder = stage.root / name
    folder.mkdir()
    shutil.copy(HERE / "project" / "noxfile.py", folder)
    (folder / "buildspec.yaml").write_text(
        f"version: 1\ndefaults: {{base: debian, requirements: none}}\nimages:\n{images}"
    )
    (folder / ".gitignore").write_text("/dist/\n")
    return folder


def _many_images(sets: int) -> str:
    """Return images with ``sets`` of requirements; a single one is locked, others are finished."""
    images = "".join(
        f"  image-{n}: {{requirements: set-{n % sets}, {_COMMAND}}}\n" for n in range(IMAGES)
    )
    output = ", output: requirements-0.lock" if sets == 1 else ""
    listed = (f"  set-{n}: {{source: requirements-{n}.txt{output}}}\n" for n in range(sets))
    return f"{images}requirements:\n{''.join(listed)}"
