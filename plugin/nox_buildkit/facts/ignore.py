"""Which files of a folder stay out of an image: .gitignore, .dockerignore, and what never belongs.

The result is a list of literal paths. BuildKit gets exactly that list, so there is one place that
understands ignore files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

#: Never part of an application, whatever the ignore files say.
NEVER = (
    ".git", ".gitignore", ".gitattributes", ".gitmodules", ".dockerignore", ".hg", ".svn",
    ".venv", ".nox", ".tox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis",
    "__pycache__", "*.pyc", "*.pyo", ".DS_Store", ".env", ".netrc",
)  # fmt: skip

_NEVER = GitIgnoreSpec.from_lines(NEVER)


def split_files(
    folder: Path, *, include: Sequence[str], exclude: Iterable[Path]
) -> tuple[list[str], list[str]]:
    """Walk ``folder``: paths of files that go in, and topmost paths that stay out, both sorted.

    ``include``: paths below ``folder`` that are wanted (``.`` for all); ``exclude``: absolute paths
    that stay out. Paths are relative, with forward slashes.
    """
    walker = _Walker(folder, include, frozenset(exclude))
    walker.visit("", tuple(_gitignores_above(folder)))
    return sorted(walker.included), sorted(walker.ignored)


class _Walker:
    def __init__(self, folder: Path, include: Sequence[str], exclude: frozenset[Path]) -> None:
        self.folder = folder
        self.include = [str(PurePosixPath(path)) for path in include]
        self.exclude = exclude
        self.docker = DockerIgnore.read(folder / ".dockerignore")
        self.included: list[str] = []
        self.ignored: list[str] = []

    def visit(self, below: str, specs: tuple[tuple[str, GitIgnoreSpec], ...]) -> bool:
        """Sort everything under ``below``; return whether anything of it goes in."""
        folder = self.folder / below
        own = folder / ".gitignore"
        if below and own.is_file():
            specs = (*specs, (below, _read_gitignore(own)))
        found, out = False, []
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            path = f"{below}/{entry.name}" if below else entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            before = len(self.ignored)
            if self._out(path, is_folder, specs):
                out.append(path)
            elif is_folder:
                if self.visit(path, specs):
                    found = True
                else:
                    del self.ignored[before:]
                    out.append(path)
            else:
                self.included.append(path)
                found = True
        self.ignored += out
        return found

    def _out(
        self, path: str, is_folder: bool, specs: tuple[tuple[str, GitIgnoreSpec], ...]
    ) -> bool:
        if self.folder / path in self.exclude or not self._wanted(path, is_folder):
            return True
        if _NEVER.match_file(path) or _git_ignores(path, is_folder, specs):
            return True
        # Docker's rules can bring back a file of a folder that they exclude.
        return not is_folder and self.docker.matches(path)

    def _wanted(self, path: str, is_folder: bool) -> bool:
        return any(
            wanted in (".", path)
            or path.startswith(f"{wanted}/")
            or (is_folder and wanted.startswith(f"{path}/"))
            for wanted in self.include
        )


def _gitignores_above(folder: Path) -> Iterator[tuple[str, GitIgnoreSpec]]:
    """The .gitignore files of ``folder`` and above it, outermost first, up to the repository's."""
    chain = []
    for parent in (folder, *folder.parents):
        if (parent / ".gitignore").is_file():
            chain.append((os.path.relpath(parent, folder), _read_gitignore(parent / ".gitignore")))
        if (parent / ".git").exists():
            return iter(reversed(chain))
    return iter(chain[:1] if chain and chain[0][0] == "." else ())


def _git_ignores(path: str, is_folder: bool, specs: tuple[tuple[str, GitIgnoreSpec], ...]) -> bool:
    # The deepest file that has something to say wins (gitignore(5)).
    for base, spec in reversed(specs):
        relative = os.path.normpath(_below(path, base)) + ("/" if is_folder else "")
        decision = spec.check_file(relative).include
        if decision is not None:
            return decision
    return False


def _below(path: str, base: str) -> str:
    return os.path.relpath(os.path.join("/root" * 9, path), os.path.join("/root" * 9, base))  # noqa: PTH118


def _read_gitignore(path: Path) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines(path.read_text(errors="replace").splitlines())


class DockerIgnore:
    """Docker's ignore rules: every pattern is anchored, the last one that matches wins.

    Source: Docker's reference for .dockerignore files.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self.rules = [
            (not line.startswith("!"), _docker_pattern(line.removeprefix("!").strip()))
            for line in (line.strip() for line in lines)
            if line and not line.startswith("#")
        ]

    @classmethod
    def read(cls, path: Path) -> DockerIgnore:
        """The rules of ``path``; none where there is no such file."""
        lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
        return cls(lines)

    def matches(self, path: str) -> bool:
        """Whether ``path`` stays out; a rule that matches a folder matches all below it."""
        parents = [str(parent) for parent in PurePosixPath(path).parents][:-1]
        decision = False
        for excludes, pattern in self.rules:
            if decision != excludes and any(pattern.fullmatch(p) for p in (path, *parents)):
                decision = excludes
        return decision


def _docker_pattern(glob: str) -> re.Pattern[str]:
    """Go's filepath.Match, with ``**`` for any number of folders."""
    glob = os.path.normpath(glob).lstrip("/")
    pattern, position = "", 0
    while position < len(glob):
        rest = glob[position:]
        if rest.startswith("**/"):
            pattern, position = pattern + "(?:.*/)?", position + 3
        elif rest.startswith("**"):
            pattern, position = pattern + ".*", position + 2
        elif rest[0] == "*":
            pattern, position = pattern + "[^/]*", position + 1
        elif rest[0] == "?":
            pattern, position = pattern + "[^/]", position + 1
        elif rest[0] == "\\" and len(rest) > 1:
            pattern, position = pattern + re.escape(rest[1]), position + 2
        elif rest[0] == "[" and (group := re.match(r"\[\^?[^\]]+\]", rest)):
            pattern, position = pattern + group[0], position + group.end()
        else:
            pattern, position = pattern + re.escape(rest[0]), position + 1
    return re.compile(pattern)
