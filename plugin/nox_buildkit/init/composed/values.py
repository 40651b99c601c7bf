"""Values of a compose file: variables filled in, secrets and values of a machine left there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from nox_buildkit.plan.target_planner import SECRET

_VARIABLE = re.compile(r"\$\$|\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-?+])([^{}]*))?\})")
_LOGIN = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


class OfMachineError(Exception):
    """A value that only the machine has on which Compose runs."""


def interpolated(text: str) -> str:
    """Return ``text`` as it is where no variable is set. Raises OfMachineError."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        if found[3] and found[3].endswith("-"):
            return str(found[4])
        if found[3] and found[3].endswith("+"):
            return ""
        raise OfMachineError(found[1] or found[2])

    return _VARIABLE.sub(value, text)


def words(value: object) -> list[str]:
    """Return a command, which Compose splits as a shell does and gives to none."""
    try:
        stated = shlex.split(value) if isinstance(value, str) else items(value)
        return [interpolated(str(word)) for word in stated]
    except ValueError as error:
        raise OfMachineError(str(error)) from error


def items(value: object) -> list[Any]:
    """Return ``value`` as a list: one thing is a list of itself."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def pairs(value: object) -> Iterator[tuple[str, object]]:
    """Yield names and values of a mapping, or of a list of ``NAME=value``."""
    if isinstance(value, dict):
        yield from ((str(k), v) for k, v in value.items())
    for item in value if isinstance(value, list) else ():
        name, equals, text = str(item).partition("=")
        yield name, text if equals else None


def taken(stated: Mapping[str, object]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the variables that an image may have, and why others stay where they are."""
    found, left = {}, {}
    for name, value in stated.items():
        try:
            if value is None:
                raise OfMachineError(name)
            text = interpolated(str(value).lower() if isinstance(value, bool) else str(value))
        except OfMachineError:
            left[name] = "only the machine that starts it has its value"
            continue
        if SECRET.search(name) or _LOGIN.search(text):
            left[name] = "everyone who has an image can read its variables"
        else:
            found[name] = text
    return found, left


def env_file(text: str) -> dict[str, object]:
    """Return the variables of a file of Compose's ``env_file``."""
    found: dict[str, object] = {}
    for line in text.splitlines():
        if match := re.match(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$", line):
            quoted = re.fullmatch(r"(['\"])(.*)\1", match[2])
            found[match[1]] = quoted[2] if quoted else re.sub(r"\s+#.*$", "", match[2])
    return found


def container_ports(value: object) -> Iterator[str]:
    """Yield the ports of containers, of ``ports`` and of ``expose``."""
    for item in items(value):
        if isinstance(item, dict):
            protocol = str(item.get("protocol", "tcp"))
            yield f"{item.get('target')}/{protocol}"
            continue
        text = str(item).rpartition(":")[2]
        port, _, protocol = text.partition("/")
        first, dash, last = port.partition("-")
        if not dash:
            yield f"{first}/{protocol or 'tcp'}"
        elif first.isdecimal() and last.isdecimal() and int(last) - int(first) < 20:
            yield from (f"{n}/{protocol or 'tcp'}" for n in range(int(first), int(last) + 1))


def named_volumes(value: object) -> Iterator[str]:
    """Yield where volumes are mounted that Docker keeps, and no folder of the machine."""
    for item in items(value):
        if isinstance(item, dict):
            if item.get("type", "volume") == "volume":
                yield str(item.get("target"))
            continue
        source, colon, rest = str(item).partition(":")
        if not colon:
            yield source
        elif re.fullmatch(r"[A-Za-z0-9][\w.-]*", source):
            yield rest.partition(":")[0]
