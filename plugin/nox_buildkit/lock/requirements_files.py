"""Requirements files that include others: their lines, and what they require by path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from nox_buildkit.errors import Code, Location, LockError
from nox_buildkit.files import real_path
from nox_buildkit.lock.direct_references import folder_of
from nox_buildkit.lock.readers import read_text
from nox_buildkit.lock.source import numbered_lines

_OPTION = re.compile(r"^(-\w|--[\w-]+)(?:\s*=\s*|\s*)(.+)$")
_INCLUDE, _CONSTRAINT = ("-r", "--requirement"), ("-c", "--constraint")


def each_line(path: Path, *, constraints: bool = True) -> Iterator[tuple[str, Location]]:
    """The lines of a requirements file, those of each file it includes after the line that does.

    A file that is included twice is read once. ``constraints``: ``-c`` includes, too. Raises
    LockError at the line whose file is not there, or includes it in turn.
    """
    open_files = [(path, iter(numbered_lines(read_text(path))))]
    known = {path}
    while open_files:
        here, lines = open_files[-1]
        for number, line in lines:
            where = Location(str(here), number, 1)
            yield line, where
            option, value = option_of(line)
            included = option in _INCLUDE or (constraints and option in _CONSTRAINT)
            if not included or "://" in value:
                continue
            below = real_path(here.parent / value)
            if below in (file for file, _ in open_files):
                message = f"'{value}' includes itself"
                raise LockError(Code.UNREADABLE_SOURCE(message, "remove this line", where))
            if below not in known:
                known.add(below)
                try:
                    text = read_text(below)
                except LockError as error:
                    raise error.located(where) from None
                open_files.append((below, iter(numbered_lines(text))))
                break
        else:
            open_files.pop()


def option_of(line: str) -> tuple[str, str]:
    """Name and value of the option that ``line`` states; both are empty if it states none.

    The value is the rest of the line, perhaps in quotes.
    """
    if not (found := _OPTION.match(line)):
        return "", ""
    value = found[2].replace("\\ ", " ")
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return found[1], value[1:-1] if quoted else value


def required_folders(path: Path, base: Path) -> Iterator[Path]:
    """Folders and files that ``path``, and what it includes, requires by paths from ``base``."""
    for line, where in each_line(path):
        # Installers differ in what a path of an included file is relative to.
        for folder in (base, Path(where.file).parent):
            if named := folder_of(line, folder):
                yield named
