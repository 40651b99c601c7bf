"""Copies of an image: what is where the sources are anyway, and what has a place of its own."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nox_buildkit.init.dockerfile.copied import (
    Copied,
    is_elsewhere,
    is_pattern,
    targets,
)
from nox_buildkit.init.dockerfile.stages import IMAGE, Instruction
from nox_buildkit.init.lookup import is_file, is_folder
from nox_buildkit.init.stated import WORKDIR

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
_ARCHIVE = re.compile(r".*\.(?:tar|tar\.\w+|tgz|tbz2?|txz|tzst)")
_MODE = re.compile("0?[0-7]{3}")


@dataclass(slots=True)
class Placed:
    """``files``: entries of that key; ``kept``: sources that are copied to where they are.

    ``whole``: all of the context is; ``patterns``: some of it; ``owned``: somebody owns all
    sources; ``left``: the rest, and why.
    """

    files: list[dict[str, object]] = field(default_factory=list)
    owned: bool = False
    whole: bool = False
    patterns: bool = False
    kept: list[str] = field(default_factory=list)
    left: list[tuple[Instruction, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Around:
    """``home``: the folder of the sources; ``stages``: by name, whether Python is in it.

    ``contexts``: by name, what else a bake or compose file calls so.
    """

    home: str
    context: Path
    stages: Mapping[str, bool]
    contexts: Mapping[str, str]


def home_of(
    copies: Sequence[tuple[Copied, str]],
    context: Path,
    workdir: str,
    stages: Mapping[str, bool],
) -> str:
    """Return the folder that the sources are copied to; ``workdir``: the last working folder."""
    whole: list[str] = []
    kept: list[str] = []
    passed: list[str] = []
    for each, at in copies:
        folder = posixpath.normpath(posixpath.join(at, each.target))
        if stages.get(each.origin.lower()) and f"{workdir}/".startswith(f"{folder}/"):
            # What another stage had in its folder, here in the same.
            passed += [folder for source in each.sources if posixpath.normpath(source) == folder]
        for source, target in targets(each, at, context) if not each.origin else ():
            if source == ".":
                whole.append(target)
            elif target == posixpath.join(at, source) and not _is_installed(source):
                kept.append(at)
    known = [path for path in (whole or kept or passed) if path != "/"]
    stated = workdir if workdir != "/" else ""
    if stated in known or not known:
        return stated or WORKDIR
    return known[0]


def place(found: Placed, each: Copied, workdir: str, around: Around) -> None:
    """Find the counterpart of ``each``, which was stated where ``workdir`` was the folder."""
    if each.origin:
        _place_other(found, each, workdir, around)
        return
    if each.options:
        found.left.append((each.instruction, " ".join(each.options)))
        found.whole |= "." in each.sources
        return
    for source, target in targets(each, workdir, around.context):
        if is_elsewhere(source):
            found.left.append((each.instruction, ""))
        elif each.instruction.name == "ADD" and _ARCHIVE.fullmatch(source):
            found.left.append((each.instruction, f"{source} is unpacked there"))
        elif is_pattern(source):
            found.patterns = True
            same = target == posixpath.join(around.home, posixpath.dirname(source)).rstrip("/")
            found.left += [] if same else [(each.instruction, "")]
        elif not _is_installed(source) or source == ".":
            _place_source(found, each, source, target, around.home)


def _place_source(found: Placed, each: Copied, source: str, target: str, home: str) -> None:
    found.whole |= source == "."
    if target == posixpath.normpath(posixpath.join(home, source)):
        if source != ".":
            found.kept.append(source)
        else:
            found.owned |= bool(each.owner) and not each.owner.startswith(("root", "0"))
        if each.mode:
            why = f"--chmod={each.mode}: sources have the modes that they have here"
            found.left.append((each.instruction, why))
    elif source == ".":
        found.left.append((each.instruction, ""))
    else:
        _add(found, each, _entry(each, source, target))


def kept(found: Placed, context: Path) -> list[str]:
    """Return the sources of an application, where a Dockerfile names them one by one."""
    named = [s for s in dict.fromkeys(found.kept) if not _is_installed(s)]
    some = not found.whole and not found.patterns
    known = some and all(is_file(context / s) or is_folder(context / s) for s in named)
    return named if known else []


def more_than(found: Placed, copies: Sequence[tuple[Copied, str]], context: Path) -> Iterator[int]:
    """Yield the line of a copy of some files, where the image has all of them."""
    if found.whole or kept(found, context):
        return
    for each, _ in copies:
        named = [s for s in each.sources if not _is_installed(s) and not is_elsewhere(s)]
        if named and not each.origin:
            yield each.instruction.line
            return


def _is_installed(source: str) -> bool:
    return bool(_INSTALLED.fullmatch(posixpath.basename(source)))


def _entry(each: Copied, source: str, target: str) -> dict[str, object]:
    entry: dict[str, object] = {"source": source, "target": target}
    if each.mode:
        entry["mode"] = each.mode
    if each.owner:
        entry["owner"] = each.owner
    return entry


def _add(found: Placed, each: Copied, entry: dict[str, object]) -> None:
    if each.mode and not _MODE.fullmatch(each.mode):
        found.left.append((each.instruction, f"--chmod={each.mode} has no digits"))
    else:
        found.files.append(entry)


def _place_other(found: Placed, each: Copied, workdir: str, around: Around) -> None:
    named = around.contexts.get(each.origin.lower(), "")
    origin = named.removeprefix(IMAGE) or each.origin
    stage = None if named else around.stages.get(each.origin.lower())
    if each.options or (named and not named.startswith((IMAGE, "target:"))):
        why = " ".join(each.options) or f"{each.origin} is {named}"
        found.left.append((each.instruction, f"{why}"))
    elif stage is None and not _TOOLS.match(origin):
        for source in each.sources:
            into = each.target.endswith("/")
            target = posixpath.join(
                workdir, each.target, posixpath.basename(source) if into else ""
            )
            there = posixpath.join("/", source)
            entry = _entry(each, there, posixpath.normpath(target))
            _add(found, each, {"from": origin, **entry})
    elif stage is False:
        found.left.append((each.instruction, ""))
    elif stage and not all(map(_PACKAGES.match, each.sources)):
        # Sources that another stage only passed on are there anyway.
        same = all(_is_same(source, each.target, workdir) for source in each.sources)
        found.left += [] if same else [(each.instruction, "")]


def _is_same(source: str, target: str, workdir: str) -> bool:
    there = posixpath.normpath(posixpath.join(workdir, source))
    return there in (posixpath.normpath(posixpath.join(workdir, target)), workdir)
