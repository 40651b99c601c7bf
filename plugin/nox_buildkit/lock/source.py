"""Sources of requirements."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from nox_buildkit.errors import Code, Location, LockError
from nox_buildkit.lock.pyproject import read_pyproject
from nox_buildkit.lock.readers import read_text

Kind = Literal["pyproject", "setup", "requirements", "locked", "uv", "poetry", "pdm", "pipenv"]

#: Locks of other tools, by the names that the tools give them.
TOOL_LOCKS: dict[str, Kind] = {
    "uv.lock": "uv",
    "poetry.lock": "poetry",
    "pdm.lock": "pdm",
    "Pipfile.lock": "pipenv",
}

#: How each of them is made.
LOCK_COMMANDS = {
    "uv.lock": "uv lock",
    "poetry.lock": "poetry lock",
    "pdm.lock": "pdm lock",
    "Pipfile.lock": "pipenv lock",
}

#: Sources that are looked for, in this order, where a spec names none.
CANDIDATES = (
    *TOOL_LOCKS, "pyproject.toml", "requirements.in", "requirements.txt", "requirements.lock",
)  # fmt: skip

#: Where projects without a pyproject.toml state what they require; uv asks setuptools.
SETUP_FILES = ("setup.py", "setup.cfg")

_PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*==\s*[^\s;*]+")
_HASH = re.compile(r"--hash[ =](\w+):")
#: Of files that are resolved together with it.
_INCLUDE = re.compile(r"-[rc]|--(?:requirement|constraint)\b")
_COMMENT = re.compile(r"(?:^|\s)#.*$")


@dataclass(frozen=True, slots=True)
class Source:
    """One set of requirements: ``path`` in, ``output`` out (the same for a finished lock).

    ``more``: requirements files that are resolved together with that of ``path``, whose folder
    paths in all of them are relative to;
    ``package``: name of the member, where a uv.lock is that of a workspace; ``index`` and
    ``extra_indexes``: [NAME=]URL, as uv's ``--default-index`` and ``--index`` take them;
    ``find_links``: folders of files besides.
    """

    path: Path
    output: Path
    kind: Kind
    python: str
    more: tuple[Path, ...] = ()
    package: str | None = None
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    constraints: tuple[Path, ...] = ()
    overrides: tuple[Path, ...] = ()
    find_links: tuple[Path, ...] = ()
    index: str | None = None
    extra_indexes: tuple[str, ...] = ()
    build: Literal["never"] | None = None
    location: Location | None = field(default=None, compare=False)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file that states requirements."""
        return (self.path, *self.more)

    @property
    def names(self) -> str:
        """The names of these files, for people."""
        *most, last = [os.path.relpath(path, self.path.parent) for path in self.paths]
        return f"{', '.join(most)} and {last}" if most else last


def find_source(folder: Path, root: Path) -> Path | None:
    """The requirements that lie in ``folder``, or the uv.lock of a workspace that it belongs to.

    A pyproject.toml counts if its [project] has dependencies, or if there is nothing else, and a
    setup.py after it; a workspace is looked for up to ``root``. Raises LockError where a tool has
    not made its lock yet.
    """
    for name in CANDIDATES:
        path = folder / name
        if name == "pyproject.toml" and (lock := _workspace_lock(folder, root)):
            return lock
        if path.is_file() and (name != "pyproject.toml" or _requires(path)):
            return path
    if (folder / "pyproject.toml").is_file() and read_pyproject(
        folder / "pyproject.toml"
    ).manifest.project:
        return folder / "pyproject.toml"
    for name in SETUP_FILES:
        if (folder / name).is_file() and _is_project(folder / name):
            return folder / name
    for name, locked in (("pyproject.toml", "poetry.lock"), ("Pipfile", "Pipfile.lock")):
        if (folder / name).is_file() and (name == "Pipfile" or _is_of_poetry(folder / name)):
            message = f"{folder / name}: there is no {locked} beside it"
            raise LockError(
                Code.UNREADABLE_SOURCE(message, f"run '{LOCK_COMMANDS[locked]}' and commit it")
            )
    return None


def _is_project(setup: Path) -> bool:
    # Without a section for setuptools, a setup.cfg is the settings of other tools.
    return (
        setup.name == "setup.py"
        or re.search(r"^\[(?:metadata|options)\]", read_text(setup), re.MULTILINE) is not None
    )


def _requires(pyproject: Path) -> bool:
    project = read_pyproject(pyproject).project
    return "dependencies" in {*project.model_fields_set, *project.dynamic}


def _is_of_poetry(pyproject: Path) -> bool:
    return "dependencies" in read_pyproject(pyproject).manifest.tool.poetry


def _workspace_lock(folder: Path, root: Path) -> Path | None:
    for parent in folder.parents:
        if not parent.is_relative_to(root):
            break
        lock = parent / "uv.lock"
        if lock.is_file():
            from nox_buildkit.lock.uvlock import workspace_members  # noqa: PLC0415 - of this tool

            if folder in workspace_members(lock):
                return lock
    return None


def kind_of(path: Path) -> Kind:
    """Return the kind of the file ``path``. Raises LockError if it cannot be read."""
    if path.name == "pyproject.toml":
        return "pyproject"
    if path.name in SETUP_FILES:
        return "setup"
    if path.name in TOOL_LOCKS:
        return TOOL_LOCKS[path.name]
    lines = numbered_lines(read_text(path))
    requirements = [(number, line) for number, line in lines if not line.startswith("-")]
    finished = all(_PINNED.match(line) and _HASH.search(line) for _, line in requirements)
    if not requirements or not finished or any(_INCLUDE.match(line) for _, line in lines):
        return "requirements"
    if problems := [
        Code.UNREADABLE_SOURCE(
            f"{_PINNED.split(line)[1]} has hashes, and no SHA-256, which files are known by",
            "lock it again with SHA-256 hashes",
            Location(str(path), number, 1),
        )
        for number, line in requirements
        if "sha256" not in _HASH.findall(line)
    ]:
        raise LockError(*problems)
    return "locked"


def logical_lines(text: str) -> tuple[str, ...]:
    """Lines of a requirements file, continued ones joined, without comments and blank lines."""
    return tuple(line for _, line in numbered_lines(text))


@lru_cache(maxsize=8)
def numbered_lines(text: str) -> tuple[tuple[int, str], ...]:
    """The same lines, each with the number of the one that it begins in."""
    lines: list[tuple[int, str]] = []
    begun: list[str] = []
    # Editors of Windows begin a file with a byte order mark.
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    for number, line in enumerate([*text.split("\n"), ""], 1):
        bare = _COMMENT.sub("", line)
        # The end of a comment continues nothing (uv).
        continued = bare == line and line.endswith("\\")
        begun.append(bare.removesuffix("\\") if continued else bare)
        if continued:
            continue
        if joined := " ".join(begun).strip():
            lines.append((number - len(begun) + 1, joined))
        begun = []
    return tuple(lines)
