"""The digest of a plan's value: equal for equal results of a build."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from functools import cache

#: Metadata of dataclass fields that do not change what is built, and so not the digest.
NOT_IDENTITY = {"identity": False}


def digest_of(value: object) -> str:
    """Return ``sha256:…`` of ``value``, of all fields that count."""
    text = json.dumps(_counted(value), sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _counted(value: object) -> object:
    if isinstance(value, tuple):
        return [_counted(item) for item in value]
    kind: type = type(value)
    names = _fields(kind)
    return value if names is None else {name: _counted(getattr(value, name)) for name in names}


@cache
def _fields(kind: type) -> tuple[str, ...] | None:
    """Return the names of the fields that count, of a dataclass."""
    if not dataclasses.is_dataclass(kind):
        return None
    fields = dataclasses.fields(kind)
    return tuple(field.name for field in fields if field.metadata.get("identity", True))
