"""Values of a compose file: variables filled in, secrets and values of a machine left there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from nox_buildkit.init.ports import ports
from nox_buildkit.init.secrets import is_secret

#: The innermost variable, in whose text no other one is left.
_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-?+])([^{}$]*))?\})")
#: They stand for ``$$``, and around the name of a variable that has no value here.
_DOLLAR, _BEGIN, _END = "\ue000", "\ue001", "\ue002"
#: Variables in each other's defaults; what is deeper stays as it is.
_DEEPEST = 20
_UNKNOWN = re.compile(f"{_BEGIN}([^{_END}]*){_END}")


class OfMachineError(Exception):
    """A value that only the machine has on which Compose runs."""


def interpolated(text: str) -> str:
    """Return ``text`` as it is where no variable is set. Raises OfMachineError."""
    return _settled(_marked(text))


def _marked(text: str) -> str:
    """Return ``text`` interpolated, with marks where a variable has no value."""

    def value(found: re.Match[str]) -> str:
        kind = found[3] or ""
        if kind.endswith("-"):
            return str(found[4])
        return "" if kind.endswith("+") else f"{_BEGIN}{found[1] or found[2]}{_END}"

    text = text.replace("$$", _DOLLAR)
    for _ in range(_DEEPEST):
        text, more = _VARIABLE.subn(value, text)
        if not more:
            break
    return text


def _settled(text: str) -> str:
    if unknown := _UNKNOWN.search(text):
        raise OfMachineError(unknown[1])
    return text.replace(_DOLLAR, "$")


def filled(value: Any) -> Any:
    """Return ``value`` with every text in it interpolated. Raises OfMachineError."""
    if isinstance(value, str):
        return interpolated(value)
    if isinstance(value, list):
        return [filled(each) for each in value]
    if isinstance(value, dict):
        return {key: filled(each) for key, each in value.items()}
    return value


def words(value: object) -> list[str]:
    """Return a command, which Compose splits as a shell does and gives to none."""
    try:
        return [str(w) for w in (shlex.split(value) if isinstance(value, str) else items(value))]
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
            text = interpolated(as_text(value))
        except OfMachineError:
            left[name] = "only the machine that starts it has its value"
            continue
        if is_secret(name, text):
            left[name] = "everyone who has an image can read it"
        else:
            found[name] = text
    return found, left


def as_text(value: object) -> str:
    """Return a scalar as Compose writes it into a variable."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def env_files(item: object) -> Iterator[str]:
    """Yield the path of an item of ``env_file``."""
    yield str(filled(item.get("path") if isinstance(item, dict) else item))


def env_file(text: str) -> dict[str, object]:
    """Return the variables of a file of Compose's ``env_file``."""
    found: dict[str, object] = {}
    for line in text.splitlines():
        if match := re.match(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$", line):
            quoted = re.fullmatch(r"(['\"])(.*)\1", match[2])
            found[match[1]] = quoted[2] if quoted else re.sub(r"\s+#.*$", "", match[2])
    return found


def container_ports(item: object) -> Iterator[int | str]:
    """Yield the ports of containers, of an item of ``ports`` or ``expose``."""
    if isinstance(item, dict):
        protocol = filled(item.get("protocol", "tcp"))
        yield from ports(f"{filled(item.get('target'))}/{protocol}")
        return
    # The port of the machine may be its own matter.
    yield from ports(_settled(_marked(str(item)).rpartition(":")[2]))


def named_volumes(item: object) -> Iterator[str]:
    """Yield where a volume is mounted that Docker keeps, and no folder of the machine."""
    if isinstance(item, dict):
        if item.get("type", "volume") == "volume":
            yield str(filled(item.get("target")))
        return
    source, colon, rest = _marked(str(item)).partition(":")
    if not colon:
        yield _settled(source)
    elif re.fullmatch(r"[A-Za-z0-9][\w.-]*", source):
        yield _settled(rest.partition(":")[0])
