"""The tree of a buildspec, with the place of each value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias

from nox_buildkit.buildspec.text import escaped
from nox_buildkit.errors import Location

Scalar: TypeAlias = str | int | float | bool | date | None
KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A value, where it stands, and where its key stands.

    ``raw`` is the text of a plain scalar that YAML reads as something other than a string.
    """

    value: Scalar | tuple[Node, ...] | dict[str, Node]
    at: Location
    key: Location | None = None
    raw: str | None = None

    def data(self) -> Any:
        """Plain dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: node.data() for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.data() for node in self.value]
        return self.value

    def child(self, part: str | int) -> Node | None:
        if isinstance(self.value, dict) and isinstance(part, str):
            return self.value.get(part)
        if isinstance(self.value, tuple) and isinstance(part, int) and part < len(self.value):
            return self.value[part]
        return None

    def find(self, path: Sequence[str | int]) -> Node | None:
        node: Node | None = self
        for part in path:
            node = node.child(part) if node else None
        return node

    def locate(self, path: Sequence[str | int], *, key: bool = False) -> Location:
        """Return the place of ``path``, or of the nearest ancestor that the text has.

        A value that was inherited or merged is located where it was written.
        """
        node, rest = self, list(path)
        while rest and (found := node.child(rest[0])):
            node, rest = found, rest[1:]
        if rest and rest[0] == 0 and isinstance(node.value, str):
            # A list that is written as its one item.
            rest = rest[1:]
        # The value of a block mapping begins at its first key, which is not what is meant.
        at = (node.key or node.at) if key or rest else node.at
        if not rest:
            return at
        return replace(at, path=f"{at.path}.{dotted(rest)}" if at.path else dotted(rest))


def dotted(path: Sequence[str | int]) -> str:
    return ".".join(escaped(str(part), 128) for part in path)


def misread(value: object, raw: str) -> tuple[str, str]:
    """Message and hint for a plain scalar that was meant as text."""
    text = escaped(raw)
    hint = f'write it in quotes: "{text}"'
    if value is None:
        if not raw:
            return "no value", "give it one, or remove the key"
        return f"YAML reads {text} as null", hint
    if isinstance(value, bool):
        return f"YAML 1.1 reads '{text}' as the boolean {str(value).lower()}", hint
    if isinstance(value, date):
        return f"YAML reads {text} as a date", hint
    if isinstance(value, int) and value.bit_length() > 100:
        return f"YAML reads {text} as a number", hint
    return f"YAML reads {text} as the number {value}", hint
