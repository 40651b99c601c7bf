"""Entitlements of a build outside of its folder: buildx's ``bake --allow``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args

Entitlement = Literal["fs", "fs.read", "network.host"]


@dataclass(frozen=True, slots=True)
class Allow:
    """An entitlement; ``path``: the folder of one that is about files."""

    entitlement: Entitlement
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Allow:
        """Read ``network.host`` or ``fs.read=PATH``. Raises ValueError."""
        name, _, path = text.partition("=")
        if name not in get_args(Entitlement) or name.startswith("fs") != bool(path):
            raise ValueError(f"{text!r} is not an entitlement")
        return cls(cast("Entitlement", name), path)

    def __str__(self) -> str:
        return f"{self.entitlement}={self.path}" if self.path else self.entitlement
