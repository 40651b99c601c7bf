"""Requirements that no index has: members of a workspace, path dependencies, commits.

In a committed lock a folder is a line ``./PATH`` relative to the lock, whatever form the tool gave
it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nox_buildkit.errors import Code, Location, LockError
from nox_buildkit.lock.readers import read_text
from nox_buildkit.lock.source import logical_lines, numbered_lines

#: uv's name for the folder that paths are relative to.
_ROOT = r"\$\{PROJECT_ROOT\}"
_END = r"(?:\[[^\]]*\])?\s*(?:;\s*(?P<marker>.+))?$"

# A path may have spaces; options come after one and two hyphens.
_FOLDER = re.compile(
    r"^(?P<editable>(?:-e|--editable)[ =]\s*)?"
    r"(?:[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?\s*@\s*)?"
    rf"(?P<path>file:[^\s;]+?|(?:\.{{1,2}}|{_ROOT})(?:/(?:(?! --)[^;])*?)?|/(?:(?! --)[^;])+?"
    rf"|(?(editable)\w[^;:@]*?|(?!))){_END}"
)

#: A path that begins as a name of a package does.
_BARE = re.compile(rf"^(?P<path>[A-Za-z0-9_][^;@=<>!~\[]*?){_END}")
_VARIABLE = re.compile(rf"(?:(?<=^file:)/*|^){_ROOT}/*")
_GIT = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*@\s*(?P<url>git\+[^\s;]+)"
    r"\s*(?:;\s*(?P<marker>.+))?$"
)
_COMMIT = re.compile(r"@[0-9a-f]{40}(?:[0-9a-f]{24})?(?:#|$)")
_FILE = re.compile(
    r"^(?:[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?\s*@\s*)?"
    r"(?P<path>(?:file:)?[^\s:@#-][^:@\n]*\.(?:whl|tar\.gz|zip))(?=\s|$)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class GitPackage:
    """A commit to make a wheel of, where ``marker`` holds; ``url`` begins with ``git+``."""

    name: str
    url: str
    marker: str = ""


@dataclass(frozen=True, slots=True)
class LocalPackage:
    """A folder to make a wheel of, where ``marker`` (PEP 508) holds; empty: everywhere."""

    folder: Path
    marker: str = ""


def portable(text: str, base: Path, folder: Path) -> str:
    """``text``, folders in it relative to ``folder``; those of a tool are relative to ``base``."""
    lines = []
    for line in text.splitlines():
        # Without a pin, it is no name of a package: uv passes on paths of ``tool.uv.sources`` so.
        if found := _FOLDER.match(line) or _bare(line, base):
            path = os.path.relpath(base / stated_path(found["path"]), folder)
            marker = f" ; {found['marker']}" if found["marker"] else ""
            lines.append(f"{path if path.startswith('.') else f'./{path}'}{marker}")
        else:
            lines.append(line)
    return "".join(f"{line}\n" for line in lines)


def local_packages(lock: Path) -> Iterator[LocalPackage]:
    """The folders that ``lock`` names. Raises LockError."""
    for line in logical_lines(read_text(lock)):
        if found := _FOLDER.match(line):
            folder = (lock.parent / stated_path(found["path"])).resolve()
            yield LocalPackage(folder, (found["marker"] or "").strip())


def git_packages(lock: Path) -> Iterator[GitPackage]:
    """The commits that ``lock`` names. Raises LockError, as for a branch or tag, which may move."""
    for number, line in numbered_lines(read_text(lock)):
        if not (found := _GIT.match(line)):
            continue
        if not _COMMIT.search(found["url"]):
            raise LockError(
                Code.UNPINNED_ADDRESS(
                    f"{found['name']}: the address names no commit, so it may be another tomorrow",
                    "end it with '@' and the full hash of a commit, or run 'nox -s lock'",
                    Location(str(lock), number, 1),
                )
            )
        yield GitPackage(found["name"], found["url"], (found["marker"] or "").strip())


def folder_of(line: str, base: Path) -> Path | None:
    """The folder or file that a requirement names in place of a version, by a path from ``base``.

    A path that could be the name of a package is none.
    """
    found = _FOLDER.match(line)
    if not found and (bare := _bare(line, base)) and "/" in bare["path"]:
        found = bare
    # No path has a null character, and an installer will say so.
    return base / stated_path(found["path"]) if found and "\0" not in line else None


def stated_file(text: str) -> str | None:
    """The first distribution that ``text`` names by its path."""
    found = _FILE.search(text)
    return found["path"] if found else None


def without_local(text: str) -> str:
    """``text`` less what no index has; comments that stood below it stay."""
    lines = (x for x in text.splitlines() if not _FOLDER.match(x) and not _GIT.match(x))
    return "".join(f"{line}\n" for line in lines)


def stated_path(text: str) -> str:
    """The path that a requirement states, perhaps as an address; uv's variable is left out."""
    path = unquote(urlsplit(_VARIABLE.sub("", text)).path) if text.startswith("file:") else text
    return _VARIABLE.sub("", path) or "."


def _bare(line: str, base: Path) -> re.Match[str] | None:
    found = _BARE.match(line)
    # A line may be too long for a path, or hold a character that none has.
    return found if found and os.path.isdir(base / found["path"]) else None  # noqa: PTH112
