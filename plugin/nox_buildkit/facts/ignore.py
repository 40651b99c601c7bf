"""Which files of a folder stay out of an image: .gitignore, .dockerignore, and what never belongs.

The result is a list of literal paths. BuildKit gets exactly that list, and the names that never
belong, so there is one place that understands ignore files.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from nox_buildkit.errors import Location, PlanError, Problem
from nox_buildkit.plan.parts import NEVER

_NEVER = GitIgnoreSpec.from_lines(NEVER)


def split_files(
    folder: Path, *, include: Sequence[str], exclude: Collection[Path]
) -> tuple[list[str], list[str]]:
    """Walk ``folder``: paths of files that go in, and topmost paths that stay out, both sorted.

    ``include``: paths below ``folder`` that are wanted (``.`` for all); ``exclude``: absolute paths
    that stay out. Paths are relative, with forward slashes.
    """
    walker = _Walker(folder, include, frozenset(exclude))
    walker.visit("", GitIgnore.above(folder))
    # Also those that are yet to be made.
    named = {str(path.relative_to(folder)) for path in exclude if folder in path.parents}
    below = {path for path in named if not any(path.startswith(f"{i}/") for i in walker.ignored)}
    return sorted(walker.included), sorted({*walker.ignored, *below})


def every_file(folder: Path, *, exclude: Collection[Path]) -> list[str]:
    """Paths of all files below ``folder`` but ``exclude`` and what never belongs; ignored ones too.

    Sorted, relative, with forward slashes.
    """
    found = []
    for top, folders, names in os.walk(folder):
        here = Path(top)
        kept = [
            path
            for name in (*folders, *names)
            if (path := here / name) not in exclude
            and not _NEVER.match_file(path.relative_to(folder).as_posix())
        ]
        folders[:] = [path.name for path in kept if path.name in folders]
        found += [path.relative_to(folder).as_posix() for path in kept if not path.is_dir()]
    return sorted(found)


class _Walker:
    def __init__(self, folder: Path, include: Sequence[str], exclude: frozenset[Path]) -> None:
        self.folder = folder
        self.include = [str(PurePosixPath(path)) for path in include]
        self.exclude = exclude
        self.docker = DockerIgnore.read(folder / ".dockerignore")
        self.included: list[str] = []
        self.ignored: list[str] = []

    def visit(self, below: str, rules: tuple[GitIgnore, ...]) -> bool:
        """Sort everything under ``below``; return whether anything of it goes in."""
        folder = self.folder / below
        if below and (own := GitIgnore.read(folder)):
            rules = (*rules, own)
        found, out = False, []
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            path = f"{below}/{entry.name}" if below else entry.name
            _require_utf8(path)
            is_folder = entry.is_dir(follow_symlinks=False)
            before = len(self.ignored)
            special = not (is_folder or entry.is_symlink() or entry.is_file())
            if special or self._out(path, is_folder, rules):
                out.append(path)
            elif is_folder:
                if self.visit(path, rules):
                    found = True
                else:
                    del self.ignored[before:]
                    out.append(path)
            else:
                self.included.append(path)
                found = True
        self.ignored += out
        return found

    def _out(self, path: str, is_folder: bool, rules: tuple[GitIgnore, ...]) -> bool:
        if self.folder / path in self.exclude or not self._wanted(path, is_folder):
            return True
        if _NEVER.match_file(path) or (is_folder and is_definition(self.folder / path)):
            return True
        # The deepest file that has something to say wins.
        decisions = (rule.decides(self.folder / path, is_folder) for rule in reversed(rules))
        if next((decision for decision in decisions if decision is not None), False):
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


def is_definition(folder: Path) -> bool:
    """Whether ``nox -s render`` wrote ``folder``."""
    return (folder / "docker-bake.json").is_file() and (
        folder / "inputs" / "scripts" / "layer.py"
    ).is_file()


def _require_utf8(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode(errors="replace")
        raise PlanError(Problem(f"the name of '{shown}' is not UTF-8", "rename it")) from None


class GitIgnore:
    """The rules of one .gitignore file (gitignore(5))."""

    def __init__(self, base: Path, lines: Iterable[str]) -> None:
        self.base = base
        self.rules = [rule for line in lines if (rule := _git_rule(line))]

    @classmethod
    def read(cls, folder: Path) -> GitIgnore | None:
        """The rules of the .gitignore file in ``folder``, if it has one."""
        path = folder / ".gitignore"
        if not path.is_file():
            return None
        return cls(folder, path.read_text(errors="replace").splitlines())

    @classmethod
    def above(cls, folder: Path) -> tuple[GitIgnore, ...]:
        """The files of ``folder`` and of those above it in its repository, outermost first."""
        inside = [folder]
        for parent in folder.parents:
            if (inside[-1] / ".git").exists():
                break
            inside.append(parent)
        if not (inside[-1] / ".git").exists():
            inside = [folder]
        return tuple(found for path in reversed(inside) if (found := cls.read(path)))

    def decides(self, path: Path, is_folder: bool) -> bool | None:
        """Whether ``path`` is ignored; None if no rule says anything about it."""
        relative = path.relative_to(self.base).as_posix() + ("/" if is_folder else "")
        for rule, only_folders in reversed(self.rules):
            if only_folders and not is_folder:
                continue
            decision = rule.check_file(relative).include
            if decision is not None:
                return decision
        return None


def _git_rule(line: str) -> tuple[GitIgnoreSpec, bool] | None:
    """A line as a rule, and whether it says something about folders and nothing in them."""
    with warnings.catch_warnings():
        # pathspec makes a regular expression of the line, of which Python may warn: "[[]".
        warnings.simplefilter("ignore", FutureWarning)
        try:
            spec = GitIgnoreSpec.from_lines([line])
        except ValueError:
            return None
    # git looks into a folder that was brought back, and judges each file there by itself.
    return spec, line.startswith("!") and line.rstrip().endswith("/")


class DockerIgnore:
    """Docker's ignore rules: every pattern is anchored, the last one that matches wins.

    Source: Docker's reference for .dockerignore files.
    """

    def __init__(self, lines: Iterable[str], file: str = ".dockerignore") -> None:
        self.rules: list[tuple[bool, re.Pattern[str]]] = []
        for number, text in enumerate(lines, 1):
            line = text.strip()
            if not line or line.startswith("#"):
                continue
            try:
                pattern = _docker_pattern(line.removeprefix("!").strip())
            except re.error:
                location = Location(file, number, 1)
                raise PlanError(Problem(f"'{line}' is not a pattern", location=location)) from None
            self.rules.append((not line.startswith("!"), pattern))

    @classmethod
    def read(cls, path: Path) -> DockerIgnore:
        """The rules of ``path``; none where there is no such file. Raises PlanError."""
        lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
        return cls(lines, str(path))

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
            pattern, position = pattern + _character_class(group[0]), position + group.end()
        else:
            pattern, position = pattern + re.escape(rest[0]), position + 1
    return re.compile(pattern)


def _character_class(group: str) -> str:
    """``[a-z]`` or ``[^a-z]`` with everything but the range and the negation taken literally."""
    inner = group[1:-1]
    negated = inner.startswith("^")
    ranges = re.findall(r"\\?(.)(?:-\\?(.))?", inner[negated:], re.DOTALL)
    members = (re.escape(low) + (f"-{re.escape(high)}" if high else "") for low, high in ranges)
    return f"[{'^' if negated else ''}{''.join(members)}]"
