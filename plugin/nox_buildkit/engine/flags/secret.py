"""Secrets, which steps read and no layer keeps: buildx's ``--secret``."""

from __future__ import annotations

from dataclasses import dataclass

from nox_buildkit.engine.flags.fields import join, split, take


@dataclass(frozen=True, slots=True)
class Secret:
    """The secret ``id``, which is in the file ``source``."""

    id: str
    source: str

    @classmethod
    def parse(cls, text: str) -> Secret:
        """Read ``type=file,id=…,src=…``. Raises ValueError."""
        kind, name, source = take(split(text), "type", "id", "src")
        if kind != "file":
            raise ValueError(f"{text!r} is not a file")
        return cls(name, source)

    def __str__(self) -> str:
        return join((("type", "file"), ("id", self.id), ("src", self.source)))
