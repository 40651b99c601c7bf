"""Places for the layer cache: buildx's ``--cache-from`` and ``--cache-to``."""

from __future__ import annotations

from dataclasses import dataclass

from nox_buildkit.engine.flags.fields import Fields, join, split


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A cache of a ``type`` and its attributes (docker/buildx, docs/reference/buildx_build.md)."""

    type: str
    attributes: Fields = ()

    @classmethod
    def parse(cls, text: str) -> CacheEntry:
        """Read ``type=registry,ref=…``. Raises ValueError."""
        fields = split(text)
        types = [value for key, value in fields if key == "type"]
        if len(types) != 1:
            raise ValueError(f"{text!r} has not one type")
        return cls(types[0], tuple(field for field in fields if field[0] != "type"))

    def __str__(self) -> str:
        return join((("type", self.type), *self.attributes))
