"""Files that say already how the application is started: a Procfile, a Dockerfile."""

from __future__ import annotations

import io
import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from dockerfile_parse import DockerfileParser

from nox_buildkit.buildspec.model.interpolation import asks

#: Instructions that a buildspec has in other words, or by itself.
_COVERED = frozenset({"ARG", "COMMENT", "COPY", "FROM", "RUN", "WORKDIR"})
_APT = re.compile(r"apt(?:-get)?\s+(?:-\S+\s+)*install\s+(?P<rest>[^&|;]*)")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_PYTHON = re.compile(r"(?:.*/)?python:(?P<version>3\.\d+)")
#: Programs that install what is locked, or put the sources into place.
_USUAL = re.compile(
    r"^\s*(?:set -|apt|rm -rf|pip |python3? -m pip|uv |poetry |pdm |pipenv |mkdir |groupadd|useradd"
    r"|adduser|addgroup|chown |chmod )"
)


@dataclass(frozen=True, slots=True)
class Process:
    """A command of a Procfile."""

    name: str
    command: tuple[str, ...]


@dataclass(slots=True)
class FromDockerfile:
    """The words of a Dockerfile; ``left``: (line, instruction) without a counterpart."""

    python: str = ""
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    health: tuple[str, ...] = ()
    expose: list[str] = field(default_factory=list)
    apt: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    left: list[tuple[int, str]] = field(default_factory=list)


def read_procfile(path: Path, port: str) -> list[Process]:
    """Return the processes of a Procfile, without a shell; ``port``: where nobody says another."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        name, colon, text = line.partition(":")
        if not colon or name.lstrip().startswith("#") or not re.fullmatch(r"[\w-]+", name.strip()):
            continue
        named = re.split(r"\$(?:PORT\b|\{PORT\})", text)
        try:
            words = shlex.split(f"${{PORT:-{port}}}".join(named))
        except ValueError:
            continue
        # What only a shell understands is nobody's exec form.
        if words and not {"&&", "||", "|", ";"} & set(words) and "$" not in "".join(named):
            found.append(Process(name.strip().lower(), tuple(words)))
    return found


def read_dockerfile(path: Path) -> FromDockerfile:
    """Return what the last stage of a Dockerfile says, and the stages before of their packages."""
    # In memory: the parser writes into the file that it is given.
    stream = io.BytesIO(path.read_bytes())
    parser = DockerfileParser(fileobj=cast("IO[str]", stream), env_replace=True)
    found = FromDockerfile()
    last = max((i for i, x in enumerate(parser.structure) if x["instruction"] == "FROM"), default=0)
    for number, part in enumerate(parser.structure):
        name, value = part["instruction"], part["value"]
        if number >= last:
            _take(found, name, value, part["startline"] + 1)
    return found


def _take(found: FromDockerfile, name: str, value: str, line: int) -> None:
    match name:
        case "FROM":
            if python := _PYTHON.match(value):
                found.python = python["version"]
        case "RUN":
            _take_run(found, value, line)
        case "CMD":
            found.command = _exec_form(found, name, value, line)
        case "ENTRYPOINT":
            found.entrypoint = _exec_form(found, name, value, line)
        case "USER":
            found.user = value
        case "WORKDIR":
            found.workdir = value
        case "EXPOSE":
            found.expose += value.split()
        case "ENV":
            found.env |= _variables(value)
        case "HEALTHCHECK" if match := re.search(r"CMD\s+(\[.*\])\s*$", value):
            found.health = tuple(json.loads(match[1]))
        case _ if name not in _COVERED:
            found.left.append((line, f"{name} {value}"))


def _take_run(found: FromDockerfile, value: str, line: int) -> None:
    for match in _APT.finditer(value):
        words = [word for word in match["rest"].split() if not word.startswith("-")]
        found.apt += [w for w in words if _PACKAGE.fullmatch(w) and w not in found.apt]
    plain = re.sub(r"--mount=\S+\s*", "", value)
    commands = [each.strip() for each in re.split(r"&&|;", plain)]
    if rest := [each for each in commands if each and not _USUAL.match(each)]:
        found.left.append((line, f"RUN {' && '.join(rest)}"))


def _exec_form(found: FromDockerfile, name: str, value: str, line: int) -> tuple[str, ...]:
    try:
        words = json.loads(value) if value.startswith("[") else shlex.split(value)
    except ValueError:
        words = []
    if not words or ("$" in value and not value.startswith("[")):
        found.left.append((line, f"{name} {value}"))
        return ()
    # What nobody reads in a Dockerfile, a spec would give a value.
    literal = asks(words)
    return tuple(str(word).replace("$", "$$") if literal else str(word) for word in words)


def _variables(value: str) -> dict[str, str]:
    if "=" not in value.split(maxsplit=1)[0]:
        name, _, text = value.partition(" ")
        return {name: text.strip()}
    pairs = (word.partition("=") for word in shlex.split(value))
    return {name: text for name, _, text in pairs if name}
