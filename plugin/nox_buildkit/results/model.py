"""Results of a build: images, platforms, layers, archives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from nox_buildkit.plan.operations import LayerKind


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer as it is stored: ``size`` in bytes, compressed."""

    kind: LayerKind
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class PlatformResult:
    """The image of one platform; ``digest``: of its manifest."""

    platform: str
    digest: str
    layers: tuple[Layer, ...] = ()

    @property
    def size(self) -> int:
        """Compressed bytes of all layers."""
        return sum(layer.size for layer in self.layers)

    def size_of(self, kind: LayerKind) -> int:
        return sum(layer.size for layer in self.layers if layer.kind == kind)


@dataclass(frozen=True, slots=True)
class Archive:
    """A file of ``size`` bytes with the SHA-256 ``sha256``, in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Publication:
    """An index in a ``repository``: ``digest`` with its attestations, if it has some.

    ``tags`` name it; ``kept``: tags that stay where they were, each with the reason.
    """

    repository: str
    digest: str
    tags: tuple[str, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ImageResult:
    """An image with all its platforms; ``digest``: of the index; ``seconds``: wall clock, from
    the reading of the spec to the end.

    ``archive``: the file ``output``; ``warnings``: what was found in it, a sentence each;
    ``publications``: the repositories that it was released in.
    """

    name: str
    digest: str
    platforms: tuple[PlatformResult, ...]
    tags: tuple[str, ...] = ()
    output: str = ""
    archive: Archive = Archive(0, "")
    cached: int = 0
    executed: int = 0
    seconds: float = 0.0
    up_to_date: bool = False
    warnings: tuple[str, ...] = ()
    publications: tuple[Publication, ...] = ()

    def published(self, publications: Iterable[Publication], *, again: bool) -> ImageResult:
        """Return the result of a run that made ``publications`` of it.

        ``again``: everything was there already; it may have been built by an earlier run.
        """
        places = tuple(publications)
        tags = tuple(f"{each.repository}:{tag}" for each in places for tag in each.tags)
        up_to_date = self.up_to_date and again
        return replace(self, tags=tags, publications=places, up_to_date=up_to_date)
