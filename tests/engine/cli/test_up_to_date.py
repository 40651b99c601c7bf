"""A build that found nothing to do is said again without a plan, until something changes."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import nox_buildkit
from nox_buildkit.debian.provision import SuitePackage, check_runs, provision
from tests.support.project import SPEC, Done, Project, git, uv_lock
from tests.support.real_parts import in_cache
from tests.support.workspace import WORKSPACE

#: Python names what is imported on standard error then.
PLANNED = "nox_buildkit.plan.planner"
#: pytest changes a variable of its own from phase to phase.
VARIABLES = {"PYTHONPROFILEIMPORTTIME": "1", "PYTEST_CURRENT_TEST": ""}
NOTHING = "nothing changed: nothing was built or written ("

FILES = """\
    platforms: [linux/amd64]
    copy: [app]
    files: [{source: static, target: /srv/static}]
"""


def _build(project: Project, *posargs: str) -> Done:
    return project.ok("build", *posargs, **VARIABLES)


def _is_planned(done: Done) -> bool:
    return PLANNED in done.stderr


def _settle(project: Project, *posargs: str) -> Done:
    """Build until it is known that there is nothing to do; return what the last run said."""
    for _ in range(10):
        done = _build(project, *posargs)
        if not _is_planned(done):
            return done
        # Files that have just been written may be written again in the same moment.
        time.sleep(0.5)
    raise AssertionError(done.stderr)


def _said(done: Done) -> str:
    """What people read, without the time that it took."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("import time:")]
    return re.sub(r"\([0-9.]+ s\)", "", "\n".join(lines))


def test_what_is_said_again_is_what_a_plan_says(built: Project) -> None:
    planned = _build(built, "--json")
    again = _settle(built, "--json")
    assert NOTHING in planned.stderr
    assert (again.stdout, _said(again)) == (planned.stdout, _said(planned))
    assert json.loads(again.stdout)["images"]["web"]["up_to_date"]

    built.write({"app/__init__.py": "#\n"})
    changed = _build(built, "--json")
    assert not json.loads(changed.stdout)["images"]["web"]["up_to_date"]


def test_the_second_build_that_finds_nothing_is_not_planned(project: Project) -> None:
    project.ok("build")
    time.sleep(0.5)
    assert _is_planned(_build(project))
    assert not _is_planned(_build(project))


def test_what_another_session_of_the_process_has_asked_is_in_no_record(built: Project) -> None:
    _settle(built)
    records = Path(built.env["NOX_BUILDKIT_CACHE"], "up-to-date")
    shutil.rmtree(records)
    for _ in range(2):
        done = subprocess.run(
            [*built.python, "-m", "nox", "-s", "matrix", "build"],
            cwd=built.root, env=built.environment({}), capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert NOTHING in done.stderr
    assert not records.exists()


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_whoever_closes_the_output_gets_the_build(built: Project, closed: str) -> None:
    command = shlex.join([*built.python, "-m", "nox_buildkit", "build", "--json"])
    for _ in range(3):
        done = subprocess.run(
            ["sh", "-c", f"{command} {closed}"], cwd=built.root, env=built.environment({}),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        assert (done.stdout == "") == (closed[0] == ">")


def _small(project: Project) -> None:
    """Outside of a repository, on base debian."""


def _committed(project: Project) -> None:
    """In a repository, below its top, with files that git ignores and files that are placed."""
    project.write(
        {
            "buildspec.yaml": SPEC + FILES,
            "pyproject.toml": '[project]\nname = "web"\nversion = "3"\n',
            ".gitignore": "dist/\nstatic/\n__pycache__/\n",
            ".dockerignore": "app/unused\n",
            "app/unused/file": "",
            "static/index.html": "<p>hello</p>\n",
        }
    )
    (project.root / "static/main.html").symlink_to("index.html")
    (project.root / "app/link").symlink_to("__main__.py")
    git(project.root.parent, "init", "--quiet")
    git(project.root, "add", ".")
    git(project.root, "commit", "--quiet", "--message", "first")


def _workspace(project: Project) -> None:
    """With uv.lock, and a library that is built from sources besides it."""
    for path in project.root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    project.write(WORKSPACE)
    uv_lock(project)


@pytest.fixture(scope="session")
def strace(engine_home: Path) -> list[str | Path]:
    """Tells the system calls of a program, whose environment is that of the test."""
    with in_cache(engine_home):
        packages = [SuitePackage(name) for name in ("strace", "libunwind8")]
        prefix = provision("strace", [packages], _check_strace)
    library = f"LD_LIBRARY_PATH={_library(prefix)}"
    return ["env", library, prefix / "usr/bin/strace", "-E", "LD_LIBRARY_PATH"]


def _check_strace(prefix: Path) -> None:
    check_runs(prefix / "usr/bin/strace", libraries=_library(prefix))


def _library(prefix: Path) -> Path:
    return next(prefix.glob("usr/lib/*-linux-*"))


@pytest.mark.parametrize("shape", [_small, _committed, _workspace], ids=lambda s: s.__name__[1:])
def test_everything_that_a_run_looks_at_is_recorded(
    project: Project, strace: list[str | Path], tmp_path: Path, shape: Callable[[Project], None]
) -> None:
    shape(project)
    _settle(project)
    records = Path(project.env["NOX_BUILDKIT_CACHE"], "up-to-date")
    shutil.rmtree(records)
    log = tmp_path / "calls"
    subprocess.run(
        [*strace, "-f", "-y", "-o", log, "-e", "trace=%file,getdents64,execve",
         *project.python, "-m", "nox_buildkit", "build"],
        cwd=project.root, env=project.environment({}), check=True,
    )  # fmt: skip
    (record,) = records.iterdir()
    paths = json.loads(record.read_text().partition("\n")[2])["paths"]
    known = {(path, how) for how, text in paths.items() for path in text.split("\0")}
    seen = _looked_at(log, project.root)
    assert (str(project.root / "buildspec.yaml"), "target") in seen
    known = {(os.path.abspath(path), how) for path, how in known}  # noqa: PTH100
    # The kernel names open folders without links on the way to them.
    known |= {(_real(path, how), how) for path, how in known}
    # What is no link leads to itself.
    known |= {(path, "target") for path, _ in known if not os.path.islink(path)}  # noqa: PTH114
    assert seen - known == set()


def _real(path: str, how: str) -> str:
    """``path`` without links on the way to what was looked at."""
    if how == "names":
        return os.path.realpath(path)
    top, name = os.path.split(path)
    return os.path.join(os.path.realpath(top), name)  # noqa: PTH118


#: A call, the folder that its path is relative to if it is not the current one, and its path.
_CALL = re.compile(r'(\w+)\((?:AT_FDCWD<[^>]*>, |\d+<([^>]*)>, )?"([^"]*)"')
_LISTED = re.compile(r"getdents64\(\d+<([^>]*)>")
_READING = ("openat", "open", "newfstatat", "stat", "statx", "access", "faccessat", "faccessat2")
_READING_LINKS = ("lstat", "readlink", "readlinkat")


def _looked_at(log: Path, folder: Path) -> set[tuple[str, str]]:
    """What a process has looked at between reading and writing its record, and how.

    But for what its Python consists of, what programs look at that it runs, and digests that are
    kept of files which it looks at.
    """
    found = set()
    calls = [line.split(maxsplit=1) for line in log.read_text().splitlines()]
    main = calls[0][0]
    programs = {process for process, call in calls if call.startswith("execve(")} - {main}
    lines = [call for process, call in calls if process not in programs]
    bounds = [n for n, line in enumerate(lines) if "/up-to-date" in line]
    begin = next(n for n in bounds if "openat" in lines[n])
    for line in lines[begin + 1 : next(n for n in bounds if n > begin)]:
        if listed := _LISTED.match(line):
            found.add((listed[1], "names"))
        elif (call := _CALL.match(line)) and call[1] in (*_READING, *_READING_LINKS) and call[3]:
            of_link = call[1] in _READING_LINKS or "AT_SYMLINK_NOFOLLOW" in line
            how = "itself" if of_link else "target"
            found.add((os.path.abspath(Path(call[2] or folder, call[3])), how))  # noqa: PTH100
    return {(path, how) for path, how in found if not (_of_python(path) or _keeps_digests(path))}


def _of_python(path: str) -> bool:
    itself = (sys.prefix, sys.base_prefix, str(Path(nox_buildkit.__file__).parent))
    folders = (*itself, "/proc", "/dev", "/usr/lib", "/lib", "/usr/share")
    files = ("/etc/ld.so.cache", *folders)
    return path in files or path.startswith(tuple(f"{folder}/" for folder in folders))


def _keeps_digests(path: str) -> bool:
    return Path(path).parent.name == "digests"
