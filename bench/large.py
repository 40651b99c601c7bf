"""Cases of large repositories: many images, many files, one large file. Nothing is built anew."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path

from bench.contenders import docker, nox
from bench.model import Case
from bench.rounds import Measure, interleave
from bench.stage import Stage

IMAGES = 200
FILES = 100_000
#: Files in a folder.
_TOGETHER = 100
_LARGE = 2 << 30
NOXFILE = "from nox_buildkit import register\n\nregister()\n"
NOTHING = "import nox\n\n\n@nox.session(venv_backend='none')\ndef nothing(session):\n    pass\n"
_COMMAND = 'command: [python, -c, "print(1)"]'


def plan(stage: Stage) -> list[Case]:
    """Plans of many images that share a lock, and of as many with locks of their own."""
    cases = []
    for key, title in (("shared", "share a lock"), ("own", "have locks of their own")):
        folder = _project(stage, f"plan-{key}", _many_images(own=key == "own"))
        for number in range(IMAGES if key == "own" else 1):
            # Every lock is another one.
            text = f"fastapi\nidna!=0.{number}\n"
            (folder / f"requirements-{number}.in").write_text(text)
        stage.say(f"locking the requirements of {IMAGES} images that {title}")
        stage.runner.run(nox("lock"), folder)
        measures: dict[str, Measure] = {
            "ours": partial(stage.runner.run, nox("plan"), folder),
            "ours-json": partial(stage.runner.run, nox("plan", "--json"), folder),
            "nox": partial(stage.runner.run, nox("nothing"), folder),
        }
        interleave(measures, 1)
        samples = interleave(measures, stage.repeat)
        whole = f"Plan of {IMAGES} images that {title}"
        cases.append(Case(f"plan-{key}", whole, "s", "planned before", samples))
    return cases


def many_files(stage: Stage) -> list[Case]:
    """A context of many files of which none changed, beside `git status` of the same tree."""
    folder = _project(stage, "many-files", f"  many:\n    copy: [data]\n    {_COMMAND}\n")
    stage.say(f"writing {FILES} files")
    for number in range(FILES):
        path = folder / "data" / str(number // _TOGETHER) / f"{number}.txt"
        if not number % _TOGETHER:
            path.parent.mkdir(parents=True)
        path.write_text(f"{number}\n")
    _commit(folder)
    stage.say(f"building with {FILES} files")
    stage.runner.run(nox("build"), folder)
    measures: dict[str, Measure] = {
        "ours": partial(stage.runner.run, nox("build"), folder),
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
    stage.say("building with a file of 2 GiB")
    stage.runner.run(nox("build", "--platform", "linux/amd64"), folder)
    unchanged = nox("build", "--platform", "linux/amd64")
    measures: dict[str, Measure] = {
        "ours": partial(stage.runner.run, unchanged, folder),
        "nox": partial(stage.runner.run, nox("nothing"), folder),
    }
    interleave(measures, 1)
    samples = interleave(measures, stage.repeat)
    title = "One file of 2 GiB in the context, nothing changed"
    return [Case("large-file", title, "s", "built before", samples)]


def load(stage: Stage) -> list[Case]:
    """Into the engine's store after one line changed, beside `docker load` of the same archive."""
    stage.build_all()
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
    (folder / "noxfile.py").write_text(f"{NOXFILE}\n{NOTHING}")
    (folder / "buildspec.yaml").write_text(
        f"version: 1\ndefaults: {{base: debian, requirements: none}}\nimages:\n{images}"
    )
    (folder / ".gitignore").write_text("/dist/\n")
    return folder


def _many_images(*, own: bool) -> str:
    """Return images, and the sets of requirements that they have."""
    images = "".join(
        f"  image-{n}: {{requirements: {f'set-{n}' if own else 'set-0'}, {_COMMAND}}}\n"
        for n in range(IMAGES)
    )
    sets = "".join(
        f"  set-{n}: {{source: requirements-{n}.in, output: requirements-{n}.lock}}\n"
        for n in range(IMAGES if own else 1)
    )
    return f"{images}requirements:\n{sets}"


def _commit(folder: Path) -> None:
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for command in (["init", "--quiet"], ["add", "--all"], [*identity, "commit", "-qm", "Files"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True, capture_output=True)
