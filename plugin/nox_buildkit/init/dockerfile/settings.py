"""Instructions that configure the image: what they set, in the words of a buildspec."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nox_buildkit.init.commands import PORT
from nox_buildkit.init.dockerfile.stages import Instruction
from nox_buildkit.init.ports import ports
from nox_buildkit.init.secrets import is_secret
from nox_buildkit.init.shell import check_form, exec_form, literal, shell_form

#: Variables that every image has, or that concern the installation.
_OWN_ENV = re.compile(
    r"PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|PYTHONFAULTHANDLER|PYTHONHASHSEED|PATH|VIRTUAL_ENV"
    r"|DEBIAN_FRONTEND|(?:PIP|UV|POETRY|PDM|PIPENV)_\w+"
)
_OWN_LABEL = re.compile(
    r"org\.opencontainers\.image\.(?:created|revision|version|source|ref\.name|base\..*)"
)
_PYTHON = re.compile(r"(?:.*/)?python:(?P<tag>(?P<version>3\.\d+)?.*)")
#: Docker's own image, or a copy of it under that name.
_OFFICIAL = re.compile(r"(?:(?:.*/)?library/|docker\.io/)?python:")
_CHECK = re.compile(r"((?:--\S+\s+)*)(CMD|NONE)\s*(.*)$", re.DOTALL)
_UV = re.compile(r".*/uv:(?:.*-)?python(?P<version>3\.\d+)(?P<tag>.*)")


@dataclass(slots=True)
class Settings:
    """Settings, as they were made last; ``lines``: where, by key.

    ``inherited``: the command of the stage below, which an entrypoint clears; ``secrets``: where,
    by variable; ``unknown``: where, by variable that a value of the base is in.
    """

    workdir: str = "/"
    placed: bool = False
    values: dict[str, object] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    expose: list[int | str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    command: Instruction | None = None
    inherited: Instruction | None = None
    entrypoint: Instruction | None = None
    check: Instruction | None = None

    def doubts(self) -> Iterator[str]:
        """Yield what there is to say of variables, each with its line."""
        for name, line in self.secrets.items():
            if not _OWN_ENV.fullmatch(name):
                yield (
                    f"{line}: ENV {name}: everyone who has the image can read it: set it where "
                    "containers are started"
                )
        for name, line in self.unknown.items():
            if not _OWN_ENV.fullmatch(name):
                yield f"{line}: ENV {name}: not taken over: it has a value of the base in it"

    def keys(self) -> dict[str, object]:
        """Return the keys."""
        known = {"PORT": PORT, **self.env}
        env = {k: v for k, v in self.env.items() if not _OWN_ENV.fullmatch(k)}
        labels = {k: v for k, v in self.labels.items() if not _OWN_LABEL.fullmatch(k)}
        found = self.values | {
            "env": env,
            "labels": labels,
            "expose": self.expose,
            "volumes": self.volumes,
        }
        found |= _started(self.entrypoint, self.command, known)
        if self.check and (check := _health(self.check.value, known)):
            found["healthcheck"] = check
        return {key: value for key, value in found.items() if value}


def take_setting(found: Settings, each: Instruction) -> bool:
    """Take an instruction; tell whether it has a counterpart."""
    key = {"CMD": "command", "HEALTHCHECK": "healthcheck", "STOPSIGNAL": "stop-signal"}
    found.lines[key.get(each.name, each.name.lower())] = each.line
    match each.name:
        case "CMD":
            found.command = each
        case "ENTRYPOINT":
            found.entrypoint = each
            if found.command is found.inherited:
                found.command = None
        case "HEALTHCHECK":
            found.check = each
        case "USER":
            found.values["user"] = each.value
        case "STOPSIGNAL":
            found.values["stop-signal"] = each.value
        case "WORKDIR":
            found.workdir = posixpath.normpath(posixpath.join(found.workdir, each.value))
            found.placed = True
        case "ENV":
            found.env |= {name: value for name, value in each.pairs if value is not None}
            found.secrets |= {k: each.line for k, v in each.pairs if v and is_secret(k, v)}
            found.unknown |= {name: each.line for name, value in each.pairs if value is None}
        case "LABEL":
            found.labels |= {name: value for name, value in each.pairs if value is not None}
        case "EXPOSE":
            stated = [port for word in each.value.split() for port in ports(word)]
            found.expose = list(dict.fromkeys([*found.expose, *stated]))
        case "VOLUME":
            found.volumes += _words(each.value)
        case _:
            return each.name in ("ARG", "SHELL", "MAINTAINER")
    return True


def python_of(bases: Sequence[str]) -> tuple[str, str]:
    """Return the version of Python of the first base, and a doubt about that base."""
    first = bases[0]
    found = _PYTHON.fullmatch(first)
    version = (found["version"] or "") if found else ""
    match = _UV.fullmatch(first) or (found if found and _OFFICIAL.match(first) else None)
    if match and "alpine" in match["tag"]:
        doubt = f"FROM {first}: base slim instead, which is Debian: apk has no counterpart"
    elif match and "slim" not in match["tag"]:
        doubt = f"FROM {first}: base slim instead; 'base: full' has all that it has"
    elif match or "/uv:" in first:
        doubt = ""
    else:
        doubt = f"FROM {first}: base slim instead; 'base: {first}' if it has what you need"
    return match["version"] or "" if match else version, doubt


def _started(
    entrypoint: Instruction | None, command: Instruction | None, known: dict[str, str]
) -> dict[str, object]:
    if entrypoint and not entrypoint.value.startswith("["):
        # A shell form takes no arguments.
        return shell_form(entrypoint.value, known).keys
    first = _words(entrypoint.value) if entrypoint else []
    text = command.value if command else ""
    words = _words(text) if text.startswith("[") else []
    if not first:
        return (exec_form(words, known) if words else shell_form(text, known)).keys if text else {}
    # What an entrypoint is given are these words, whatever it makes of a shell.
    rest = words or (["sh", "-c", text] if text else [])
    whole = [*first, *rest]
    return {"entrypoint": list(literal(first, whole)), "command": list(literal(rest, whole))}


def _health(value: str, known: dict[str, str]) -> dict[str, object]:
    found = _CHECK.match(value)
    options, command, text = found.groups() if found else ("", "NONE", "")
    if command == "NONE":
        return {}
    test = list(literal(_words(text))) if text.startswith("[") else list(check_form(text, known))
    check: dict[str, object] = {"test": test}
    for name, given in re.findall(r"--([\w-]+)=(\S+)", options):
        check[name] = int(given) if name == "retries" and given.isdecimal() else given
    return check if test else {}


def _words(value: str) -> list[str]:
    """Return the words of an exec form, or those of a line."""
    try:
        words = json.loads(value) if value.startswith("[") else shlex.split(value)
        return [str(word) for word in words]
    except ValueError:
        return []
