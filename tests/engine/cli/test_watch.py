"""nox -s run -- --watch: what runs is what was saved last, as far as it can be built."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import pytest

from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.project import APP, SPEC, Project
from tests.support.real_parts import free_port

pytestmark = pytest.mark.alone

#: Answers with a word of another module.
ANSWERING = APP.replace('"uid": os.getuid(),', '"word": __import__("app.word").word.WORD,')
IGNORED = "*.log\nnode_modules/\n"


def _module(word: str, port: int) -> str:
    """Sources that no other test has, so that no build of them is cached."""
    return f'WORD = "{word}"\n# {port}\n'


@dataclass
class Watching:
    """A project that is watched, and the containers of its image."""

    project: Project
    process: subprocess.Popen[bytes]
    log: Path
    port: int
    engine: PrivateEngine

    def save(self, word: str) -> None:
        """Save a source file as editors do: another file takes its place."""
        path = self.project.root / "app" / "word.py"
        new = path.with_suffix(".py~")
        new.write_text(_module(word, self.port))
        new.replace(path)

    @property
    def word(self) -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
                return str(json.load(answer)["word"])
        except (OSError, ValueError, HTTPException):
            # It may end in the middle of an answer.
            return None

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def containers(self) -> list[str]:
        """Names of all containers of the watch, running or not."""
        # In one answer: those of other tests come and go.
        command = (*self.engine.docker.command, "ps", "--all", "--format", "{{.Names}} {{.Image}}")
        found = subprocess.check_output(command, text=True).splitlines()
        own = [line.split(" ") for line in found]
        return [name for name, image in own if image == f"watched-{self.port}:latest"]

    def until(self, condition: Callable[[], object], seconds: float = 120) -> None:
        """Wait until ``condition`` holds; the watch goes on."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def settles(self) -> None:
        """Wait until the watch has said nothing for a while, whatever the container says."""
        before: list[str] = []
        deadline = time.monotonic() + 60
        while before != (now := [line for line in self.said.splitlines() if "GET /" not in line]):
            assert time.monotonic() < deadline, self.said
            before = now
            time.sleep(3)

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> int:
        """Press Ctrl-C; return the exit status."""
        os.killpg(self.process.pid, number)
        return self.process.wait(timeout=20)


@contextmanager
def _watching(project: Project, engine: PrivateEngine, log: Path) -> Iterator[Watching]:
    port = free_port()
    name = f"watched-{port}"
    project.write(
        {
            "buildspec.yaml": SPEC.replace("web:", f"{name}:").replace("8000", str(port)),
            "app/__main__.py": ANSWERING,
            "app/word.py": _module("first", port),
            ".gitignore": IGNORED,
        }
    )
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "nox", "-s", "run", "--", "--watch"],
            cwd=project.root,
            env=project.environment({}),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            process_group=0,
        )
        watching = Watching(project, process, log, port, engine)
        try:
            yield watching
        finally:
            process.kill()
            process.wait()
            for container in watching.containers:
                engine.client.container.remove(container, force=True)


@pytest.fixture
def watching(project: Project, private_engine: PrivateEngine, tmp_path: Path) -> Iterator[Watching]:
    """A watch whose first container answers."""
    with _watching(project, private_engine, tmp_path / "log") as watching:
        watching.until(lambda: watching.word == "first")
        yield watching


def test_a_saved_file_is_what_answers_and_ctrl_c_leaves_nothing(watching: Watching) -> None:
    (first,) = watching.containers
    watching.save("second")
    watching.until(lambda: watching.word == "second")
    watching.until(lambda: "\nrestarted after " in watching.said)
    # Which file it was is not known if it was saved before the folders were watched.
    assert re.search(r"^(app/word\.py|files) changed$", watching.said, re.MULTILINE)
    # The one before is gone, and another one is there.
    (second,) = watching.containers
    assert first != second
    assert watching.interrupt() == 0
    assert watching.said.endswith("\nstopped\nnox > Session run was successful in "
                                  + watching.said.rpartition(" in ")[2])  # fmt: skip
    assert "Traceback" not in watching.said
    assert not watching.containers
    assert not (watching.project.root / "dist").exists()


def test_what_cannot_be_built_is_told_and_what_ran_before_goes_on(watching: Watching) -> None:
    root = watching.project.root
    spec = (root / "buildspec.yaml").read_text()
    (root / "buildspec.yaml").write_text(spec + "    wrokdir: /srv\n")
    watching.until(lambda: "unknown key; did you mean 'workdir'?" in watching.said)
    assert "what was built before goes on, until something changes" in watching.said
    assert watching.word == "first"
    (root / "buildspec.yaml").write_text("images: [\n")
    watching.until(lambda: watching.said.count("goes on, until something changes") == 2)
    (root / "buildspec.yaml").write_text(spec)
    watching.until(lambda: "there is nothing to build any more" in watching.said)
    # A step that fails, in an image that can be planned.
    program = "import sys; sys.exit('nothing is made')"
    step = f'    steps:\n      - run: [python, -c, "{program}"]\n        output: [made]\n'
    (root / "buildspec.yaml").write_text(spec + step)
    watching.until(lambda: "| nothing is made" in watching.said)
    watching.until(lambda: watching.said.count("goes on, until something changes") == 3)
    assert watching.word == "first"
    (root / "buildspec.yaml").write_text(spec)
    watching.save("repaired")
    watching.until(lambda: watching.word == "repaired")
    assert len(watching.containers) == 1
    assert watching.interrupt() == 0
    assert "Traceback" not in watching.said


def test_a_burst_and_changes_during_a_build_end_with_what_was_saved_last(
    watching: Watching,
) -> None:
    for number in range(30):
        watching.save(f"word{number}")
        time.sleep(0.01)
    watching.until(lambda: "changed\n" in watching.said)
    # It is building now.
    watching.save("last")
    watching.until(lambda: watching.word == "last")
    watching.settles()
    assert watching.word == "last"
    assert 1 <= watching.said.count("restarted after") <= 3
    assert len(watching.containers) == 1


def test_what_is_in_no_image_starts_nothing(watching: Watching) -> None:
    (before,) = watching.containers
    root = watching.project.root
    (root / "app" / "trace.log").write_text("ignored\n")
    (root / "node_modules").mkdir()
    (root / "node_modules" / "module.js").write_text("ignored\n")
    (root / "app" / "__pycache__").mkdir()
    (root / "app" / "__pycache__" / "word.pyc").write_text("never\n")
    (root / "noxfile.py").write_text((root / "noxfile.py").read_text() + "# A comment.\n")
    watching.settles()
    assert "changed\n" not in watching.said
    # An editor has the file open, closes it, and has saved what was there.
    (root / "app" / ".word.py.swp").write_text("of an editor\n")
    watching.settles()
    (root / "app" / ".word.py.swp").unlink()
    watching.save("first")
    watching.settles()
    assert watching.containers == [before]
    assert "restarted" not in watching.said


def test_folders_that_come_and_go_are_followed(watching: Watching) -> None:
    root = watching.project.root
    words = root / "app" / "words"
    (root / "app" / "word.py").write_text("from app.words.inner import WORD\n")
    (words / "deep").mkdir(parents=True)
    (words / "inner.py").write_text('WORD = "new folder"\n')
    watching.until(lambda: watching.word == "new folder")
    watching.settles()
    (words / "inner.py").write_text('WORD = "changed there"\n')
    watching.until(lambda: watching.word == "changed there")
    shutil.rmtree(words)
    words.mkdir()
    (words / "inner.py").write_text('WORD = "made again"\n')
    watching.until(lambda: watching.word == "made again")
    watching.settles()
    (words / "inner.py").write_text('WORD = "and changed"\n')
    watching.until(lambda: watching.word == "and changed")


def test_requirements_are_locked_and_installed(watching: Watching) -> None:
    root = watching.project.root
    (root / "app" / "word.py").write_text("from plain import VERSION as WORD\n")
    watching.until(lambda: watching.word == "1.0")
    (root / "requirements.in").write_text("plain==1.1\nfast\n")
    watching.until(lambda: watching.word == "1.1")
    assert "refreshed requirements.lock; commit it" in watching.said
    assert "plain==1.1" in (root / "requirements.lock").read_text()


def test_a_container_that_ends_by_itself_is_started_by_the_next_change(watching: Watching) -> None:
    (watching.project.root / "app" / "word.py").write_text("raise SystemExit(7)\n")
    (watching.project.root / "app" / "__main__.py").write_text("import app.word\n")
    watching.until(lambda: "the container has ended with status 7" in watching.said)
    assert not watching.containers
    (watching.project.root / "app" / "__main__.py").write_text(ANSWERING)
    watching.save("alive")
    watching.until(lambda: watching.word == "alive")
    assert watching.said.count("has ended with status") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["first build", "build", "restart"])
def test_it_can_be_interrupted_at_any_time(
    project: Project,
    private_engine: PrivateEngine,
    tmp_path: Path,
    number: signal.Signals,
    moment: str,
) -> None:
    with _watching(project, private_engine, tmp_path / "log") as watching:
        if moment == "first build":
            watching.until(lambda: ": RUN " in watching.said)
        else:
            watching.until(lambda: watching.word == "first")
            watching.save("second")
            watching.until(lambda: "word.py changed" in watching.said)
        if moment == "restart":
            watching.until(lambda: watching.word is None)
        status = watching.interrupt(number)
        assert "Traceback" not in watching.said
        assert not watching.containers
        # Who interrupts the first build has seen nothing run.
        assert (status == 0) is (moment != "first build")
        assert watching.word is None


def test_a_first_build_that_fails_ends_it(project: Project) -> None:
    project.write({"buildspec.yaml": SPEC + "    wrokdir: /srv\n"})
    assert "did you mean 'workdir'?" in project.nox("run", "--watch").cause
