"""Programs that builds run, and versions of everything."""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import uv

from nox_buildkit.doctor.finding import Finding
from nox_buildkit.environment import for_git
from nox_buildkit.errors import EngineError
from nox_buildkit.lock.git import run_git
from nox_buildkit.lock.uv import uv_version
from nox_buildkit.run import Done, run

_SECONDS = 10
_NUMBER = re.compile(r"\d+\.\d[\w.+~-]*")
#: As git says that a repository belongs to another user (safe.directory).
_FOREIGN = re.compile(r"dubious ownership in repository at '(?P<top>[^'\n]+)'")


def look_at_uv() -> Iterator[Finding]:
    """Run uv, and compare it with the package that brought it."""
    again = "run `python3 -m pip install --force-reinstall uv` where nox-buildkit is installed"
    try:
        program = uv.find_uv_bin()
        done = run([program, "--version"], seconds=_SECONDS)
    except (EngineError, FileNotFoundError) as error:
        yield Finding("uv", "problem", f"it cannot be started: {error}", again)
        return
    yield judge_uv(program, done, uv_version())


def judge_uv(program: str, done: Done, wanted: str) -> Finding:
    """Return the verdict on a uv that was asked for its version."""
    again = "run `python3 -m pip install --force-reinstall uv` where nox-buildkit is installed"
    found = _NUMBER.search(done.output)
    if done.returncode or not found:
        return Finding("uv", "problem", f"{program} does not run here: {done.cause}", again)
    if found[0] != wanted:
        message = f"{program} is {found[0]}, and its package is {wanted}"
        return Finding("uv", "warning", message, again, {"version": found[0]})
    return Finding("uv", "ok", f"{found[0]}, {program}", facts={"version": found[0]})


def look_at_git(folder: Path) -> Iterator[Finding]:
    """Ask git about ``folder``, as a build does for ignored files, tags and labels."""
    if (program := shutil.which("git")) is None:
        message = "there is no git: .gitignore, tags and labels of the commit need it"
        yield Finding("git", "warning", message, "run `apt-get install git`")
        return
    done = run([program, "--version"], env=for_git(), seconds=_SECONDS)
    number = _NUMBER.search(done.output)
    facts: dict[str, object] = {"version": number[0] if number else ""}
    if done.returncode:
        fix = "run `apt-get install --reinstall git`"
        yield Finding("git", "problem", f"{program} does not run here: {done.cause}", fix)
        return
    where = run_git(folder, "rev-parse", "--is-inside-work-tree")
    yield judge_repository(where.errors if where and where.returncode else "", facts)


def judge_repository(said: str, facts: dict[str, object]) -> Finding:
    """Return the verdict on a folder of which git says ``said``; empty in a work tree."""
    if foreign := _FOREIGN.search(said):
        message = f"git does not trust {foreign['top']}, which belongs to another user"
        fix = f"run `git config --global --add safe.directory {foreign['top']}`"
        return Finding("git", "warning", message, fix, facts)
    if "not a git repository" in said:
        return Finding("git", "ok", f"{facts['version']}; no repository here", facts=facts)
    if said:
        return Finding(
            "git", "problem", " ".join(said.split()), "run `git status`, which says more", facts
        )
    return Finding("git", "ok", str(facts["version"]), facts=facts)


def look_at_versions() -> Iterator[Finding]:
    """Yield the versions of what runs on this machine, in one line."""
    found = {
        "nox-buildkit": version("nox-buildkit"),
        "python": platform.python_version(),
        "nox": version("nox"),
        "uv": uv_version(),
        **_of_program("git", "--version"),
        **_of_program("docker", "--version"),
        **_of_program("docker", "buildx", "version", name="buildx"),
        "system": _system(),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
    }
    yield Finding("versions", "ok", ", ".join(f"{k} {v}" for k, v in found.items()), facts=found)


def _of_program(*command: str, name: str = "") -> dict[str, str]:
    """Return the version of a program, if it is on PATH and tells one."""
    if shutil.which(command[0]) is None:
        return {}
    try:
        done = run(command, seconds=_SECONDS)
    except EngineError:
        return {}
    number = _NUMBER.search(done.output)
    return {name or command[0]: number[0]} if number and not done.returncode else {}


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform()
