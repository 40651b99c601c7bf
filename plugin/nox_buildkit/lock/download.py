"""A file that is to be downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Download:
    """A file ``target`` with the digest ``sha256``; ``logins``: by host and port.

    ``name``: that of a file which the spec names by its address; empty: it is one of a lock.
    """

    url: str
    target: Path
    sha256: str
    logins: Mapping[str, tuple[str, str]] = field(repr=False, default_factory=dict)
    name: str = ""

    @property
    def label(self) -> str:
        """The name for people."""
        return self.name or self.target.name

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc.rpartition("@")[2]
