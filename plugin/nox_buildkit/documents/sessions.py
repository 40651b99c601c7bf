"""Shapes of what ``lock``, ``render``, ``resolve`` and ``init`` print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class LockEntry:
    """A lock by its path; ``changes``: lines of a unified diff.

    ``altered``: it was not as it was written; ``ran``: packages whose code was run to resolve it.
    """

    path: str
    state: Literal["up-to-date", "written", "stale"]
    changes: tuple[str, ...]
    altered: bool
    ran: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BaseLockEntry:
    """The lock of bases; ``changed``: name and digest, None for one that is no longer used."""

    path: str
    state: Literal["up-to-date", "written", "stale"]
    changed: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class LockDocument:
    """The locks of the project; ``bases`` is None where they were not asked for."""

    version: Literal[1]
    locks: tuple[LockEntry, ...]
    bases: BaseLockEntry | None


@dataclass(frozen=True, slots=True)
class RenderDocument:
    """The rendered ``folder``: its definition, images, and the ``command`` to run in it."""

    version: Literal[1]
    folder: str
    definition: str
    images: tuple[str, ...]
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResolvedFile:
    """A YAML file with digests in place of names."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class ResolveDocument:
    """Files for deployment; ``references``: what names and repositories stand for."""

    version: Literal[1]
    files: tuple[ResolvedFile, ...]
    references: dict[str, str]


@dataclass(frozen=True, slots=True)
class ProposedEntry:
    """A proposed image; ``why``: the sentence of its comment."""

    name: str
    command: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class InitDocument:
    """A proposal: the text of a buildspec.yaml, and doubts about it."""

    version: Literal[1]
    images: tuple[ProposedEntry, ...]
    notes: tuple[str, ...]
    buildspec: str
