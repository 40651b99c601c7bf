"""Errors as compilers show them: the line of the file, and a caret below what is wrong."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from nox_buildkit.errors import Location, NoxBuildkitError, Problem
from nox_buildkit.printable import redacted, visible
from nox_buildkit.report.console import make_console

#: At most as many lines of files are shown: more fill the screen.
_SHOWN = 5
_WIDTH = 96
#: Files whose lines may be shown. What holds nothing but logins (netrc) is not among them.
_SUFFIXES = frozenset({".in", ".lock", ".toml", ".txt", ".yaml", ".yml"})
_NAMES = frozenset({".dockerignore", ".gitignore", "Pipfile", "noxfile.py"})
#: What stands at a position: a quoted text, or a word up to what ends it in YAML, TOML and lists.
_TOKEN = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'|[^\s:,\]}#]+(?::[^\s,\]}#]+)*|\S""")
_CARETS = re.compile(r" +\| +\^")

Lines = Callable[[str], Sequence[str]]


def read_lines(file: str) -> Sequence[str]:
    """Return the lines of a file that may be shown; nothing of any other, or of none."""
    path = Path(file)
    if path.suffix not in _SUFFIXES and path.name not in _NAMES:
        return ()
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return ()


def diagnostics(error: NoxBuildkitError, lines: Lines = read_lines) -> Iterator[str]:
    """Yield the lines of a picture for each problem of ``error`` that is at a line of a file.

    ::

        error[NBK203]: images.web.platfroms: unknown key
         --> buildspec.yaml:5:5
          |
        5 |     platfroms: [linux/amd64]
          |     ^^^^^^^^^ did you mean 'platforms'?
    """
    shown = 0
    for problem in error.problems:
        if shown == _SHOWN:
            return
        if problem.location and (line := _line(problem.location, lines)) is not None:
            shown += 1
            yield from _picture(problem, problem.location, line)


def show(error: NoxBuildkitError) -> None:
    """Print the diagnostics of ``error`` on standard error, with colours where it has some."""
    console = make_console(sys.stderr)
    for line in diagnostics(error):
        style = "bold red" if line.startswith("error[") else "red" if _CARETS.match(line) else None
        console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def with_codes(error: NoxBuildkitError) -> str:
    """Return the message of ``error``, each problem's line with its code at the end."""
    lines = str(error).split("\n")
    codes = [f" [{problem.code.value}]" for problem in error.problems[: len(lines)]]
    codes += [""] * (len(lines) - len(codes))
    if len(error.problems) > len(lines):
        codes[-1] = ""
    return "\n".join(line + code for line, code in zip(lines, codes, strict=True))


def _line(at: Location, lines: Lines) -> str | None:
    found = lines(at.file)
    if not 0 < at.line <= len(found):
        return None
    line = found[at.line - 1]
    # A position beyond the end is that of what is missing.
    return line if line.strip() and at.column <= len(line) + 1 else None


def _picture(problem: Problem, at: Location, line: str) -> Iterator[str]:
    number = str(at.line)
    margin = " " * len(number)
    token = _TOKEN.match(line, at.column - 1)
    length = len(token[0]) if token else 1
    text, start = _cut(line, at.column - 1)
    what = f"{at.path}: {problem.message}" if at.path else problem.message
    yield f"error[{problem.code.value}]: {_safe(what)}"
    yield f"{margin}--> {visible(at.file)}:{at.line}:{at.column}"
    yield f"{margin} |"
    yield f"{number} | {text}"
    carets = "^" * max(1, min(length, _WIDTH - start))
    yield f"{margin} | {' ' * start}{carets} {_safe(problem.hint)}".rstrip()
    yield ""


def _cut(line: str, column: int) -> tuple[str, int]:
    """Return what is shown of ``line``, and where its ``column`` is in that."""
    line = line.expandtabs(1)
    # As a whole: a part of an address would not be known for one. And what is replaced by a text of
    # another length moves what follows.
    safe, column = _safe(line), len(_safe(line[:column]))
    begin = max(0, column - _WIDTH // 2) if len(safe) > _WIDTH else 0
    return safe[begin : begin + _WIDTH], column - begin


def _safe(text: str) -> str:
    return visible(redacted(text))
