"""A reference that was resolved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResolvedImage:
    """The digest of an index or a manifest, and the names of the platforms in it."""

    digest: str
    platforms: frozenset[str]
