"""Pydantic's findings in the words of someone who writes YAML, with their places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from pydantic_core import ErrorDetails

from nox_buildkit.buildspec.model.expected_types import ExpectedKind, flow
from nox_buildkit.buildspec.model.runtime import AS_MAPPING, AS_TEXT
from nox_buildkit.buildspec.text import SMALLEST, Invalid, escaped, nearest
from nox_buildkit.buildspec.tree import Node, misread
from nox_buildkit.errors import Code, Problem

# What people write who know Compose, the Dockerfile or GitHub Actions.
_SYNONYMS = {
    "cmd": "command",
    "environment": "env",
    "environments": "env",
    "from": "base",
    "image": "base",
    "path": "context",
    "ports": "expose",
    "python-version": "python",
    "working-dir": "workdir",
}
#: What a key looks like that has to be there.
_EXAMPLES = {
    "version": "version: 1",
    "images": "images: {app: {}}",
    "test": "test: [python, -m, app.health]",
    "run": "run: [python, manage.py, collectstatic, --noinput]",
    "output": "output: [static]",
    "target": "target: /etc/app.ini",
    "name": "name: app",
    "uid": "uid: 999",
}
_EXPECTED = {
    "string_type": "a string",
    "string_sub_type": "a string",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
# In this order: a bool is an int, too.
_FOUND: tuple[tuple[type, str], ...] = (
    (dict, "a mapping"),
    (tuple, "a list"),
    (str, "a string"),
    (bool, "true or false"),
    (date, "a date"),
)
_BOUNDS = {
    "greater_than_equal": ("too small", "at least", "ge"),
    "less_than_equal": ("too large", "at most", "le"),
}
_CODES = {"extra_forbidden": Code.UNKNOWN_KEY, "missing": Code.MISSING_KEY}
#: Every kind of pydantic's errors that has words of its own here.
KINDS = frozenset(
    {
        *_EXPECTED,
        *_BOUNDS,
        "extra_forbidden",
        "int_parsing_size",
        "literal_error",
        "missing",
        "string_unicode",
        "too_short",
        "value_error",
    }
)


def translate(error: ErrorDetails, root: Node, kind: ExpectedKind) -> Problem:
    """One of pydantic's errors as a problem of the spec."""
    path, key = [part for part in error["loc"] if part not in (AS_TEXT, AS_MAPPING)], False
    if path and path[-1] == "[key]":
        path, key = path[:-1], True
    code = _CODES.get(error["type"], Code.WRONG_VALUE)
    if error["type"] == "extra_forbidden":
        message, hint, key = *_unknown_key(path, kind), True
    elif error["type"] == "missing":
        message, hint = "missing", _missing(path)
    elif error["type"] == "value_error" and isinstance(found := error["ctx"]["error"], Invalid):
        message, hint = found.message, found.hint
        path += found.at
    elif path == ["version"]:
        message, hint = _version(root.find(path))
    elif error["type"] in _EXPECTED:
        message, hint = _wrong_type(error["type"], root.find(path))
        hint = hint or like(path, kind)
    elif error["type"] == "too_short":
        message, hint = "empty", "name at least one"
    elif error["type"] == "string_unicode":
        message, hint = "holds half of a character (a lone surrogate)", "write the whole character"
    elif error["type"] in _BOUNDS:
        message, words, name = _BOUNDS[error["type"]]
        hint = f"write {words} {error['ctx'][name]}"
    else:
        message, hint = "not a value of this key", like(path, kind)
    return code(message, hint, root.locate(path, key=key))


def like(path: Sequence[str | int], kind: ExpectedKind) -> str:
    """An example of the nearest key that has one."""
    here: ExpectedKind | None = kind
    found = f"the smallest file is: {SMALLEST}"
    for part in path:
        field = here.keys.get(str(part)) if here else None
        if field and field.examples:
            found = f"write it like '{part}: {flow(field.examples[0])}'"
        here = here.child(part) if here else None
    return found


def nulls(tree: Node, kind: ExpectedKind) -> list[Problem]:
    """Known keys without a value, which pydantic takes for optional ones."""
    return [
        Code.WRONG_VALUE(*misread(None, node.raw or ""), node.at)
        for node in _known(tree, kind)
        if node.value is None
    ]


def _known(node: Node, kind: ExpectedKind | None) -> Iterator[Node]:
    """``node`` and all below it that the model knows."""
    if kind is None:
        return
    yield node
    inner: Iterable[tuple[str | int, Node]] = ()
    if isinstance(node.value, dict):
        inner = node.value.items()
    elif isinstance(node.value, tuple):
        inner = enumerate(node.value)
    for part, child in inner:
        yield from _known(child, kind.child(part))


def _unknown_key(path: Sequence[str | int], kind: ExpectedKind) -> tuple[str, str]:
    here: ExpectedKind | None = kind
    for part in path[:-1]:
        here = here.child(part) if here else None
    known = list(here.keys) if here else []
    word = str(path[-1])
    synonym = _SYNONYMS.get(word.lower().replace("_", "-"))
    if synonym in known:
        return "unknown key", f"did you mean '{synonym}'?"
    hint = _elsewhere(word, here, kind) or nearest(word, known)
    return "unknown key", hint or f"known here: {', '.join(known)}"


def _elsewhere(word: str, here: ExpectedKind | None, root: ExpectedKind) -> str:
    """Return the place that a key belongs to, if it is known elsewhere."""
    images, image = root.child("images"), root.child("defaults")
    if here == root and images and image and word in image.keys:
        return f"it belongs to an image (images.NAME.{word}) or to all (defaults.{word})"
    if here != root and word in root.keys:
        return "it belongs to the top of the file"
    return ""


def _missing(path: Sequence[str | int]) -> str:
    key = str(path[-1]) if path else ""
    if key == "source" and "files" in path:
        return "add 'source: deploy/app.ini'"
    return f"add '{_EXAMPLES.get(key, f'{key}: pyproject.toml')}'"


def _version(node: Node | None) -> tuple[str, str]:
    if node and node.value == "1":
        return "the version is a number", "write 1 without quotes"
    shown = node.raw or node.value if node else ""
    known = "this nox-buildkit reads version 1"
    if isinstance(shown, dict | tuple):
        return "expected the number 1", known
    return f"version {escaped(str(shown))} is not known", known


def _wrong_type(kind: str, node: Node | None) -> tuple[str, str]:
    value: Any = node.value if node else None
    expected = _EXPECTED[kind]
    if value is None:
        empty = "write {} for every default" if expected == "a mapping" else ""
        message, hint = misread(None, (node.raw if node else None) or "")
        return message, empty or hint
    if expected == "a string" and node and node.raw is not None:
        return misread(value, node.raw)
    hint = ""
    if expected == "a list" and isinstance(value, str):
        hint = f"write [{escaped(value)}]"
    return f"expected {expected}, found {_found(value)}", hint


def _found(value: object) -> str:
    for kind, words in _FOUND:
        if isinstance(value, kind):
            return words
    return "a number"
