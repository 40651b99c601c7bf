"""Compose's YAML: scalars are what its reader takes them for, which knows YAML 1.2."""

from __future__ import annotations

import re
from typing import Any

import yaml

_VALUES = 100_000
#: Kinds of plain scalars that YAML 1.2 tells in another way, or does not know.
_OTHER = ("bool", "int", "timestamp")


class _Loader(yaml.SafeLoader):
    """PyYAML's, without the words (``yes``) and numbers (``12:30``) of YAML 1.1."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as PyYAML has it
        first: [(tag, form) for tag, form in known if tag.rpartition(":")[2] not in _OTHER]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile("[-+]?(?:0|[1-9][0-9]*|0x[0-9a-fA-F]+)$"),
    list("-+0123456789"),
)  # fmt: skip


def load(text: str) -> tuple[yaml.Node, Any] | None:
    """Return a document as nodes and as values; None if it is empty, or has too many of them.

    Raises YAMLError, ValueError or RecursionError.
    """
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None or _size(root, {}) > _VALUES:
            return None
        return root, loader.construct_document(root)
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Return the number of values of ``node``, those of an alias each time that it is used."""
    if id(node) not in known:
        # One that holds itself has no end.
        known[id(node)] = _VALUES + 1
        inside = node.value if isinstance(node, yaml.CollectionNode) else []
        parts = [part for each in inside for part in (each if isinstance(each, tuple) else (each,))]
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]
