"""The processes of a Procfile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.init.shell import Started, shell_form


@dataclass(frozen=True, slots=True)
class Process:
    """A process of a Procfile, and the line that states it."""

    name: str
    started: Started
    line: int


def read_procfile(path: Path, port: str) -> Iterator[Process]:
    """Yield the processes; ``port``: where nobody says another."""
    text = path.read_text(encoding="utf-8", errors="replace")
    for line, stated in enumerate(text.splitlines(), 1):
        name, colon, command = stated.partition(":")
        if colon and command.strip() and re.fullmatch(r"\s*[\w-]+\s*", name):
            yield Process(name.strip().lower(), shell_form(command, {"PORT": port}), line)
