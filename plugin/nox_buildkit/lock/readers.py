"""Text, TOML and JSON that others wrote, read with limits and with the position of each mistake."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from nox_buildkit.errors import Code, Location, LockError, Problem

_wrong = Code.UNREADABLE_SOURCE
#: Bytes; no lock or requirements file of a real project comes near it.
MAX_LOCK = 16 * 2**20

#: Bytes of what a person writes: parsed as a whole, which takes about a second for as much.
MAX_MANIFEST = 2**19

#: Mistakes of one file that are told.
_MOST = 5

_CONFLICT = re.compile(r"^(?:<{7}|>{7}|\|{7})(?: |$)", re.MULTILINE)

_NAME = r"(?:[A-Za-z0-9_-]+|\"[^\"\n]*\"|'[^'\n]*')"
_DOTTED = rf"{_NAME}(?:[ \t]*\.[ \t]*{_NAME})*"
_LINE = re.compile(
    rf"^[ \t]*(?:\[\[[ \t]*(?P<array>{_DOTTED})[ \t]*\]\]|\[[ \t]*(?P<table>{_DOTTED})[ \t]*\]"
    rf"|(?P<key>{_DOTTED})[ \t]*=[ \t]*)"
)

_KINDS = ((bool, "a boolean"), (str, "a string"), (int, "an integer"), (float, "a number"),
          (list, "an array"), (dict, "a table"))  # fmt: skip

_WANTED = {
    "string_type": "a string",
    "bool_type": "true or false",
    "tuple_type": "an array",
    "list_type": "an array",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}

#: Where a key of a document stands.
Locate = Callable[[Sequence[str | int]], Location]


class Document(BaseModel):
    """A model of another tool's file: types are exact, unknown keys are ignored."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        defer_build=True,  # Most projects have one file of a model.
        extra="ignore",
        alias_generator=lambda name: name.replace("_", "-"),
    )


Read = TypeVar("Read", bound=Document)


def read_text(path: Path, limit: int = MAX_LOCK) -> str:
    """The text of a file. Raises LockError for what is not there, too large, or no text."""
    content = _content(path, limit)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        where = Location(str(path), line, column)
        raise LockError(_wrong("not UTF-8 text", "save it as UTF-8", where)) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := _CONFLICT.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise LockError(
            _wrong(
                "a merge conflict is left in it",
                "resolve it and remove its marks",
                Location(str(path), line, 1),
            )
        )
    return text


def digest_of(path: Path) -> str:
    """SHA-256 of a file. Raises LockError."""
    with _opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _content(path: Path, limit: int) -> bytes:
    with _opened(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        message = f"{path}: larger than {limit // 1024} KiB"
        raise LockError(_wrong(message, "name the file that was meant"))
    return content


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    """A regular file. Raises LockError for another, and for one that cannot be read."""
    try:
        # A pipe would be waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise LockError(_wrong(f"{path}: no such file", "correct its name")) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LockError(_wrong(f"{path}: {reason}", "correct its name")) from None
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise LockError(_wrong(f"{path}: is {kind}", "name a file"))
    with os.fdopen(handle, "rb") as file:
        try:
            yield file
        except OSError as error:
            # Such as a file of /proc, or one on a disk that fails.
            raise LockError(_wrong(f"{path}: {error.strerror}", "name a file")) from None


def parse_toml(text: str, path: Path, line: int = 1) -> dict[str, Any]:
    """The tables of ``text``, which begins in ``line`` of ``path``. Raises LockError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        position = re.search(r"line (\d+), column (\d+)", str(error))
        row, column = (int(position[1]), int(position[2])) if position else (1, 1)
        if str(error).endswith("(at end of document)"):
            row, column = text.count("\n") + 1, 1
        cause = str(error).split(" (at ")[0]
        where = Location(str(path), line + row - 1, column)
        raise LockError(_wrong(f"not TOML: {cause}", "correct it", where)) from None
    except RecursionError:
        raise _too_deep(path, line) from None
    except ValueError as error:
        # Such as a number of more digits than Python converts.
        where = Location(str(path), line, 1)
        raise LockError(_wrong(f"not TOML: {error}", "correct it", where)) from None


def read_json(path: Path) -> dict[str, Any]:
    """The object in the JSON file ``path``. Raises LockError."""
    text = read_text(path)
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        where = Location(str(path), error.lineno, error.colno)
        raise LockError(_wrong(f"not JSON: {error.msg}", "make it again", where)) from None
    except RecursionError:
        raise _too_deep(path, 1) from None
    except ValueError as error:
        where = Location(str(path), 1, 1)
        raise LockError(_wrong(f"not JSON: {error}", "make it again", where)) from None
    if not isinstance(found, dict):
        where = Location(str(path), 1, 1)
        message = f"should be a table, and is {kind_of_value(found)}"
        raise LockError(_wrong(message, "make it again", where))
    return found


def validated(model: type[Read], tables: dict[str, Any], locate: Locate) -> Read:
    """``tables`` as ``model``. Raises LockError with the positions of the first mistakes."""
    try:
        return model.model_validate(tables)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        raise LockError(*(_problem(dict(each), locate) for each in mistakes[:_MOST])) from None


def toml_location(text: str, path: Path, keys: Sequence[str | int], line: int = 1) -> Location:
    """Return the place of the value of ``keys`` in ``text``, which begins in ``line`` of ``path``.

    The nearest that encloses it if that cannot be told.
    """
    best, found = 0, (line, 1)
    for place, position in _keys(text):
        common = 0
        while common < min(len(place), len(keys)) and place[common] == keys[common]:
            common += 1
        if common > best and common == len(place):
            best, found = common, (line + position[0], position[1])
    return Location(str(path), *found, ".".join(map(str, keys)))


def kind_of_value(value: object) -> str:
    """Return the name of ``value``'s type in TOML and JSON."""
    return next((kind for each, kind in _KINDS if isinstance(value, each)), "something else")


@lru_cache(maxsize=4)
def _keys(text: str) -> tuple[tuple[tuple[str | int, ...], tuple[int, int]], ...]:
    return tuple(_each_key(text))


def _each_key(text: str) -> Iterator[tuple[tuple[str | int, ...], tuple[int, int]]]:
    """Every key and header that begins a line, with line (from 0) and column (from 1)."""
    table: tuple[str | int, ...] = ()
    counts: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.split("\n")):
        if not (found := _LINE.match(line)):
            continue
        if found["key"]:
            yield (*table, *_parts(found["key"])), (number, found.end() + 1)
            continue
        names = _parts(found["array"] or found["table"])
        if found["array"]:
            counts[names] = counts.get(names, -1) + 1
        table = ()
        for position in range(1, len(names) + 1):
            inner = counts.get(names[:position])
            table = (*table, names[position - 1], *([] if inner is None else [inner]))
        yield table, (number, len(line) - len(line.lstrip()) + 1)


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_NAME, dotted))


def _problem(mistake: dict[str, Any], locate: Locate) -> Problem:
    place = locate(mistake["loc"])
    if mistake["type"] == "missing":
        return _wrong("is missing", "add it", place)
    if wanted := _WANTED.get(mistake["type"]):
        message = f"should be {wanted}, and is {kind_of_value(mistake['input'])}"
        return _wrong(message, "correct it", place)
    return _wrong(str(mistake["msg"]).removeprefix("Value error, "), "correct it", place)


def _too_deep(path: Path, line: int) -> LockError:
    message = "values lie too deep in one another"
    return LockError(_wrong(message, "make it flatter", Location(str(path), line, 1)))


def locator(text: str, path: Path, line: int = 1) -> Locate:
    """``toml_location`` of one text."""
    return lambda keys: toml_location(text, path, keys, line)
