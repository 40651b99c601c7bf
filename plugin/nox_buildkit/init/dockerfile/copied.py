"""``COPY`` and ``ADD``: the words of an instruction, and where its sources come to be."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.init.dockerfile.heredocs import is_heredoc
from nox_buildkit.init.dockerfile.stages import Instruction
from nox_buildkit.init.lookup import is_folder

#: Options that are read, or that change nothing of what comes to be where.
_READ = frozenset({"checksum", "chmod", "chown", "from", "link"})


@dataclass(frozen=True, slots=True)
class Copied:
    """The words of an instruction; ``origin``: the stage or image that it takes files from.

    ``options``: those that nothing here reads.
    """

    instruction: Instruction
    sources: tuple[str, ...]
    target: str
    origin: str = ""
    owner: str = ""
    mode: str = ""
    options: tuple[str, ...] = ()


def copied(instruction: Instruction) -> Copied | None:
    """Return what a ``COPY`` or ``ADD`` says; None if it cannot be read."""
    options: dict[str, str] = {}
    value = instruction.value
    while match := re.match(r"--([\w-]+)(?:=(\S+))?\s+", value):
        options[match[1]] = match[2] or ""
        value = value[match.end() :]
    try:
        words = json.loads(value) if value.startswith("[") else shlex.split(value)
    except ValueError:
        return None
    if len(words) < 2:
        return None
    *sources, target = map(str, words)
    origin, owner, mode = (options.get(name, "") for name in ("from", "chown", "chmod"))
    others = tuple(f"--{name}" for name in options if name not in _READ)
    return Copied(instruction, tuple(sources), target, origin, owner, mode, others)


def targets(each: Copied, workdir: str, context: Path) -> Iterator[tuple[str, str]]:
    """Yield each source, and where it comes to be: of a folder, where its content does."""
    folder = posixpath.normpath(posixpath.join(workdir, each.target))
    into = each.target.endswith(("/", "/.")) or each.target == "." or len(each.sources) > 1
    for stated in each.sources:
        if is_elsewhere(stated):
            yield stated, folder
            continue
        source = posixpath.normpath(stated.lstrip("/") or ".")
        inner = is_folder(context / source)
        inside = not inner and not is_pattern(source) and (into or folder == workdir)
        yield source, posixpath.join(folder, posixpath.basename(source)) if inside else folder


def is_elsewhere(source: str) -> bool:
    """Tell whether a source is no file of the context."""
    return "://" in source or source.startswith("git@") or is_heredoc(source)


def is_pattern(source: str) -> bool:
    """Tell whether a source stands for all files that match it."""
    return bool(set("*?[") & set(source))
