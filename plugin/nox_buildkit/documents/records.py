"""Shapes of results: dist/build.json, dist/release.json, dist/results/*.json, and of sessions.

``results.record`` writes the files; the shapes here are what they are checked against.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from nox_buildkit.plan.operations import LayerKind
from nox_buildkit.plan.plan import Plan
from nox_buildkit.results.model import ImageResult
from nox_buildkit.results.record import Recorded, serialize


@dataclass(frozen=True, slots=True)
class LayerEntry:
    """A layer as it is stored: ``size`` in bytes, compressed."""

    kind: LayerKind
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class PlatformEntry:
    """The image of one platform: digest of its manifest, compressed bytes of its layers."""

    digest: str
    size: int
    layers: tuple[LayerEntry, ...]


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """The file ``output``: its bytes, and its SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StepsEntry:
    """Number of steps whose result was in the engine's cache, and of those that ran."""

    cached: int
    executed: int


@dataclass(frozen=True, slots=True)
class PublicationEntry:
    """An index in a registry; ``kept``: tags that stayed where they were, each with the reason."""

    repository: str
    digest: str
    tags: tuple[str, ...]
    kept: dict[str, str]


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """An image: digest of its index, platforms by name, wall-clock seconds.

    ``output``: its file, relative to the current folder; empty after a push, which writes none;
    ``up_to_date``: nothing was done; ``plan``: digest of the plan that it was built of.
    """

    digest: str
    tags: tuple[str, ...]
    output: str
    archive: ArchiveEntry
    platforms: dict[str, PlatformEntry]
    steps: StepsEntry
    seconds: float
    up_to_date: bool
    warnings: tuple[str, ...]
    publications: tuple[PublicationEntry, ...]
    plan: str


@dataclass(frozen=True, slots=True)
class RecordDocument:
    """Results by image: what a build made, a push sent, or a release published."""

    version: Literal[1]
    images: dict[str, ImageEntry]


@dataclass(frozen=True, slots=True)
class InputsEntry:
    """Inputs that platforms of one build have in common, for ``merge`` to compare.

    ``generator``, ``lock``, ``sources``: digests; the last is empty where the commit says it.
    """

    generator: str
    version: str
    lock: str
    sources: str


@dataclass(frozen=True, slots=True)
class RunnerDocument:
    """The result of one runner of a CI matrix; ``revision``: the commit, empty for none.

    ``inputs``: by platform.
    """

    revision: str
    inputs: dict[str, InputsEntry]
    version: Literal[1]
    images: dict[str, ImageEntry]


def results_document(plan: Plan, results: Iterable[ImageResult]) -> dict[str, Any]:
    """Return the ``results`` of ``plan`` as the file in dist has them."""
    digests = {image.name: image.digest for image in plan.images}
    recorded = {result.name: Recorded(digests[result.name], result) for result in results}
    document: dict[str, Any] = json.loads(serialize(recorded))
    return document
