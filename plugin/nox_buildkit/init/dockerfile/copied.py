"""``COPY`` and ``ADD``: what is where the sources are anyway, and what has a place of its own."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nox_buildkit.init.dockerfile.stages import Instruction
from nox_buildkit.init.lookup import is_file, is_folder

#: Files that an installation reads, wherever they are put.
_INSTALLED = re.compile(
    r"(?:requirements.*\.(?:txt|in|lock)|pyproject\.toml|setup\.(?:py|cfg)|.*\.lock|poetry\.toml"
    r"|Pipfile(?:\.lock)?|README.*|LICENSE.*|MANIFEST\.in|\.python-version)"
)
#: Folders in which a stage installs packages.
_PACKAGES = re.compile(
    r"/(?:usr/local|opt|venv|\.venv|install|wheels|python|root/\.(?:local|cache)|home/\w+/\.local)\b"
    r"|.*/(?:\.?venv|site-packages|wheels|__pypackages__|dist)(?:/|$)"
)
_TOOLS = re.compile(r".*(?:astral-sh/uv|python-poetry|/uv)(?::|@|$)")


@dataclass(frozen=True, slots=True)
class Copied:
    """The words of an instruction; ``origin``: the stage or image that it takes files from."""

    instruction: Instruction
    sources: tuple[str, ...]
    target: str
    origin: str = ""
    owner: str = ""
    mode: str = ""


@dataclass(slots=True)
class Placed:
    """``files``: entries of that key; ``kept``: sources that are copied to where they are.

    ``whole``: all of the context may be; ``owned``: somebody owns all sources; ``left``: the rest.
    """

    files: list[dict[str, object]] = field(default_factory=list)
    owned: bool = False
    whole: bool = False
    kept: list[str] = field(default_factory=list)
    left: list[Instruction] = field(default_factory=list)


def copied(instruction: Instruction) -> Copied | None:
    """Return what a ``COPY`` or ``ADD`` says; None if it cannot be read."""
    options: dict[str, str] = {}
    value = instruction.value
    while match := re.match(r"--(\w+)(?:=(\S+))?\s+", value):
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
    return Copied(instruction, tuple(sources), target, origin, owner, mode)


def place(
    found: Placed, each: Copied, workdir: str, context: Path, stages: dict[str, bool]
) -> None:
    """Find the counterpart of ``each``; ``stages``: by name, whether Python is in it."""
    if each.origin:
        _place_other(found, each, workdir, stages)
        return
    for source, target in _targets(each, workdir, context):
        is_pattern = bool(set("*?[") & set(source))
        found.whole |= source == "." or is_pattern
        if source == "." and target == workdir:
            found.owned |= bool(each.owner) and not each.owner.startswith(("root", "0"))
        elif is_pattern and f"{target}/".startswith(f"{workdir}/"):
            continue
        elif source == "." or is_pattern or "://" in source or source.startswith("<"):
            found.left.append(each.instruction)
        elif target == posixpath.join(workdir, source):
            found.kept.append(source)
        elif not _INSTALLED.fullmatch(posixpath.basename(source)):
            found.files.append(_entry(each, source, target))


def kept(found: Placed, context: Path) -> list[str]:
    """Return the sources of an application, where a Dockerfile names them one by one."""
    named = [s for s in dict.fromkeys(found.kept) if not _INSTALLED.fullmatch(s)]
    known = not found.whole and all(is_file(context / s) or is_folder(context / s) for s in named)
    return named if known else []


def _targets(each: Copied, workdir: str, context: Path) -> Iterator[tuple[str, str]]:
    """Yield each source, and where it comes to be: of a folder, where its content does."""
    folder = posixpath.normpath(posixpath.join(workdir, each.target))
    into = each.target.endswith(("/", "/.")) or each.target == "." or len(each.sources) > 1
    for stated in each.sources:
        source = stated if "://" in stated else posixpath.normpath(stated.lstrip("/") or ".")
        inner = is_folder(context / source)
        inside = not inner and (into or folder == workdir)
        yield source, posixpath.join(folder, posixpath.basename(source)) if inside else folder


def _entry(each: Copied, source: str, target: str) -> dict[str, object]:
    entry: dict[str, object] = {"source": source, "target": target}
    if re.fullmatch("0?[0-7]{3}", each.mode):
        entry["mode"] = each.mode
    if each.owner:
        entry["owner"] = each.owner
    return entry


def _place_other(found: Placed, each: Copied, workdir: str, stages: dict[str, bool]) -> None:
    stage = stages.get(each.origin.lower())
    if stage is None and not _TOOLS.match(each.origin):
        for source in each.sources:
            into = each.target.endswith("/")
            target = posixpath.join(
                workdir, each.target, posixpath.basename(source) if into else ""
            )
            target = posixpath.normpath(target)
            found.files.append({"from": each.origin, **_entry(each, source, target)})
    elif stage is False:
        found.left.append(each.instruction)
    elif stage and not all(map(_PACKAGES.match, each.sources)):
        # Sources that another stage only passed on are there anyway.
        same = all(_is_same(source, each.target, workdir) for source in each.sources)
        found.left += [] if same else [each.instruction]


def _is_same(source: str, target: str, workdir: str) -> bool:
    there = posixpath.normpath(posixpath.join(workdir, source))
    return there in (posixpath.normpath(posixpath.join(workdir, target)), workdir)
