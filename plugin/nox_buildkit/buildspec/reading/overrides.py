"""``--set KEY=VALUE``: values from the command line over those of the file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from nox_buildkit.buildspec.model.expected_types import ExpectedKind
from nox_buildkit.buildspec.reading.messages import like
from nox_buildkit.buildspec.reading.yaml_reader import read
from nox_buildkit.buildspec.text import Invalid, escaped, listed, nearest, shown
from nox_buildkit.buildspec.tree import Node, dotted
from nox_buildkit.errors import Code, Location, Problem


def as_written(node: Node, kind: ExpectedKind | None, *, everything: bool = False) -> Node:
    """Give text its own text back where YAML read a number.

    In a file only integers, and only where the model says so; with ``everything`` every scalar
    that the model wants as a string, because a shell eats the quotes that a file would have.
    """
    if kind is None:
        return node
    if isinstance(node.value, dict):
        items = node.value.items()
        value = {k: as_written(n, kind.child(k), everything=everything) for k, n in items}
        return replace(node, value=value)
    if isinstance(node.value, tuple):
        pairs = enumerate(node.value)
        nodes = tuple(as_written(n, kind.child(i), everything=everything) for i, n in pairs)
        return replace(node, value=nodes)
    if node.raw is None or not kind.is_text:
        return node
    number = isinstance(node.value, int) and not isinstance(node.value, bool)
    if everything or (number and kind.keeps_integers):
        return replace(node, value=node.raw, raw=None)
    return node


def apply(
    tree: Node, overrides: Sequence[tuple[str, str]], kind: ExpectedKind
) -> tuple[Node, list[Problem]]:
    """Put each override over ``tree``; a later one wins."""
    problems: list[Problem] = []
    for key, text in overrides:
        file = f"--set {escaped(key)}"
        try:
            _require_utf8(f"{key}={text}")
            path = _resolve(key, tree, kind)
        except Invalid as error:
            problems.append(Code.COMMAND_LINE(error.message, error.hint, Location(file, 1, 1)))
            continue
        node = _value(text, file, path, kind, problems)
        if node is not None:
            tree = _put(tree, path, node, kind)
    return tree, problems


def _value(
    text: str, file: str, path: tuple[str, ...], kind: ExpectedKind, problems: list[Problem]
) -> Node | None:
    wanted: ExpectedKind | None = kind
    for part in path:
        wanted = wanted.child(part) if wanted else None
    at = Location(file, 1, 1, dotted(path))
    if wanted and wanted.is_text and not _is_yaml(text, file, path, wanted):
        return Node(text, at, at)
    if not text.strip():
        problems.append(Code.COMMAND_LINE("no value", like(path, kind), at))
        return None
    document = read(text, file, path)
    problems += document.problems
    if document.root is None:
        return None
    return as_written(replace(document.root, key=at), wanted, everything=True)


def _is_yaml(text: str, file: str, path: tuple[str, ...], wanted: ExpectedKind) -> bool:
    """Tell whether ``text`` is more than itself: in quotes, or a mapping where that may stand."""
    if wanted.mapping and text.startswith("{"):
        return True
    document = read(text, file, path) if text.startswith(('"', "'")) else None
    return bool(document and document.root and not document.problems)


def _require_utf8(argument: str) -> None:
    """Refuse an argument whose bytes Python could not decode (PEP 383). Raises Invalid."""
    if broken := re.search("[\ud800-\udfff]", argument):
        code = ord(broken[0])
        found = f"byte 0x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"U+{code:04X}"
        raise Invalid(f"not UTF-8 ({found})", "write the argument as UTF-8")


def _resolve(key: str, tree: Node, kind: ExpectedKind) -> tuple[str, ...]:
    """Split a dotted key; names may hold dots themselves. Raises Invalid."""
    path: list[str] = []
    rest, here = key.split("."), kind
    if not all(rest):
        raise Invalid("not a key", "write --set images.NAME.KEY=VALUE")
    while rest:
        inner = here.child(rest[0])
        if here.is_mapping and inner and not inner.model:
            part, rest = ".".join(rest), []
        elif here.is_mapping and path[-1] != "per-platform":
            part, rest = _known_name(rest, path, tree)
        else:
            part, rest = rest[0], rest[1:]
        path.append(part)
        if inner is None and (rest or not here.keys):
            _refuse_inside(path, here)
        if inner is None:
            # An unknown last key is put into the tree, and reported by the same words as in a file.
            break
        here = inner
    return tuple(path)


def _known_name(rest: list[str], path: list[str], tree: Node) -> tuple[str, list[str]]:
    node = tree.find(path)
    known = list(node.value) if node and isinstance(node.value, dict) else []
    longest = max((name.count(".") + 1 for name in known), default=0)
    for length in range(min(len(rest), longest), 0, -1):
        name = ".".join(rest[:length])
        if name in known:
            return name, rest[length:]
    what = "image" if path == ["images"] else "set of requirements"
    hint = nearest(rest[0], known) or f"known: {listed(known) or 'none'}"
    raise Invalid(f"no {what} named {shown(rest[0])}", hint)


def _refuse_inside(path: list[str], here: ExpectedKind) -> None:
    if here.is_list:
        raise Invalid("a list is set as a whole", f"write {dotted(path[:-1])}=[A, B]")
    if here.keys:
        hint = nearest(path[-1], here.keys) or f"known here: {', '.join(here.keys)}"
        raise Invalid(f"unknown key {shown(path[-1])}", hint)
    raise Invalid(f"{shown(dotted(path[:-1]))} has no keys", f"write {dotted(path[:-1])}=VALUE")


def _put(tree: Node, path: tuple[str, ...], node: Node, kind: ExpectedKind | None) -> Node:
    """``tree`` with ``node`` at ``path``; a mapping takes the place of its short form.

    Untouched where the file has something else than the mapping that belongs there.
    """
    if not path:
        return node
    found = tree.value
    if not isinstance(found, dict):
        if not (kind and kind.mapping):
            return tree
        found = {}
    head, *rest = path
    inner = found.get(head) or Node({}, node.at, node.key)
    below = _put(inner, tuple(rest), node, kind.child(head) if kind else None)
    return replace(tree, value={**found, head: below})
