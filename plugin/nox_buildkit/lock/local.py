"""Requirements that are folders: members of a workspace, path dependencies.

In a committed lock each is a line ``./PATH`` relative to the lock, whatever form the tool gave it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nox_buildkit.lock.source import logical_lines

_FOLDER = re.compile(
    r"^(?:(?:-e|--editable)[ =]\s*)?"
    r"(?:[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?\s*@\s*)?"
    r"(?P<path>file:[^\s;]+|\.{1,2}(?:/[^\s;]*)?(?=[\s;]|$)|/[^\s;]+)"
    r"\s*(?:;\s*(?P<marker>.+))?$"
)


@dataclass(frozen=True, slots=True)
class LocalPackage:
    """A folder to make a wheel of, where ``marker`` (PEP 508) holds; empty: everywhere."""

    folder: Path
    marker: str = ""


def portable(text: str, base: Path, folder: Path) -> str:
    """``text``, folders in it relative to ``folder``; those of a tool are relative to ``base``."""
    lines = []
    for line in text.splitlines():
        if found := _FOLDER.match(line):
            path = os.path.relpath(base / _path(found["path"]), folder)
            marker = f" ; {found['marker']}" if found["marker"] else ""
            lines.append(f"{path if path.startswith('.') else f'./{path}'}{marker}")
        else:
            lines.append(line)
    return "".join(f"{line}\n" for line in lines)


def local_packages(lock: Path) -> Iterator[LocalPackage]:
    """The folders that ``lock`` names."""
    for line in logical_lines(lock.read_text()):
        if found := _FOLDER.match(line):
            folder = (lock.parent / _path(found["path"])).resolve()
            yield LocalPackage(folder, (found["marker"] or "").strip())


def without_local(text: str) -> str:
    """``text`` less its folders; comments that stood below them stay."""
    return "".join(f"{line}\n" for line in text.splitlines() if not _FOLDER.match(line))


def _path(text: str) -> str:
    return unquote(urlsplit(text).path) if text.startswith("file:") else text
