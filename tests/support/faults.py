"""Faults under a build, and what has to be true after each."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.oci import ImageIndex
from tests.support.package_index import PackageIndex, new_version
from tests.support.project import Project

Unseen = tuple[Project, PackageIndex]


#: What a build leaves besides images and records.
TIMELINE = ("timeline.html", "timeline.json", "trace.json")


def recovers(project: Project, digest: str) -> None:
    """A build of now makes the image ``digest``, whole, and nothing else is left in the project."""
    done = project.ok("build")
    assert "Traceback" not in done.stderr
    assert project.digest() == digest
    assert ImageIndex.open(project.tar).digest == digest
    left = [path.name for path in project.root.rglob("*") if path.name.endswith((".part", ".tmp"))]
    assert left == []
    names = {path.name for path in (project.root / "dist").iterdir()}
    assert names <= {"web.oci.tar", "build.json", "release.json", ".lock", ".gitignore", *TIMELINE}


def undisturbed(project: Project, **env: str) -> str:
    """The digest of an image of the same files, built elsewhere and without a cache."""
    other = Project(project.root.with_name("undisturbed"), {**project.env, **env})
    shutil.copytree(project.root, other.root, ignore=shutil.ignore_patterns("dist"))
    other.ok("build", "--no-cache")
    return other.digest()


@contextlib.contextmanager
def held(unseen: Unseen, phase: str) -> Iterator[subprocess.Popen[str]]:
    """A session that is at ``phase`` (begin, lock, download, compile), and stays there."""
    project, index = unseen
    if phase == "begin":
        with project.start("build") as process:
            yield process
        return
    if phase == "lock":
        project.write({"requirements.in": "plain\nfast\n"})
    if phase == "compile":
        stall_compiling(unseen)
    else:
        index.stalled = {name for name in index.files if name.startswith("plain")}
    with project.start("build") as process:
        try:
            deadline = time.monotonic() + 300
            while not index.asked.wait(1):
                assert process.poll() is None, process.communicate()[1]
                assert time.monotonic() < deadline, "the index is asked"
            yield process
        finally:
            process.kill()
            index.released.set()
    index.stalled = set()


def stall_compiling(unseen: Unseen) -> None:
    """Let a build of the project wait in a step of BuildKit, until the index is released."""
    project, index = unseen
    version = new_version()
    index.stall_compiling("late", version)
    wanted = (project.root / "requirements.in").read_text()
    project.write({"requirements.in": f"{wanted}late=={version}\n"})
    project.ok("lock")


def processes_of(folder: Path, program: str) -> list[int]:
    """IDs of processes of ``program`` that were started with a path in ``folder``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(f"/{program}".encode()) and any(
                str(folder).encode() in word for word in words
            ):
                found.append(int(process.name))
    return found
