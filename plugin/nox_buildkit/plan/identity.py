"""The digest of a plan's value: equal for equal results of a build."""

from __future__ import annotations

import dataclasses
import hashlib
import json

#: Metadata of dataclass fields that do not change what is built, and so not the digest.
NOT_IDENTITY = {"identity": False}


def digest_of(value: object) -> str:
    """Return ``sha256:…`` of ``value``, of all fields that count."""
    text = json.dumps(_counted(value), sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _counted(value: object) -> object:
    if dataclasses.is_dataclass(value):
        return {
            field.name: _counted(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.metadata.get("identity", True)
        }
    if isinstance(value, tuple):
        return [_counted(item) for item in value]
    return value
