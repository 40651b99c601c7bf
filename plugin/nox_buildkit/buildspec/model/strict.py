"""The base class of all parts of a buildspec."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


def key_of(name: str) -> str:
    """The YAML key of a field."""
    return name.rstrip("_").replace("_", "-")


class Strict(BaseModel):
    """Frozen, without unknown keys, its keys in kebab-case.

    A trailing underscore of a Python name is not part of the key.
    """

    # validate_by_name is for Python callers; the reader switches it off.
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=key_of,
        validate_by_name=True,
        defer_build=True,
    )
