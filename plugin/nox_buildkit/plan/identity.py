"""The digest of a plan's value: equal for equal results of a build."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from functools import cache
from typing import Any

#: Metadata of dataclass fields that do not change what is built, and so not the digest.
NOT_IDENTITY = {"identity": False}


def digest_of(value: object) -> str:
    """Return ``sha256:…`` of ``value``, of all fields that count."""
    text = json.dumps(json_value(value, identity=True), sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def json_value(value: object, *, identity: bool = False) -> Any:
    """Return dataclasses and tuples as JSON values; ``identity``: only the fields that count."""
    if isinstance(value, tuple):
        return [json_value(item, identity=identity) for item in value]
    kind: type = type(value)
    names = _fields(kind, identity)
    if names is None:
        return value
    return {name: json_value(getattr(value, name), identity=identity) for name in names}


@cache
def _fields(kind: type, identity: bool) -> tuple[str, ...] | None:
    """Return the names of the fields of a dataclass: all, or those that count."""
    if not dataclasses.is_dataclass(kind):
        return None
    fields = dataclasses.fields(kind)
    return tuple(f.name for f in fields if not identity or f.metadata.get("identity", True))
