"""Faults of layer caches: those that end a build, and those that BuildKit goes on without.

Pure. ``ignore-error`` covers the export alone: BuildKit refuses a cache that it cannot set up, and
fails of a layer that a cache names and does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.engine.events.vertex import Vertex, VertexKind
from nox_buildkit.errors import BuildError, Code

_IMPORT = "importing cache manifest from "
_EXPORT = "exporting cache "

_SETUP = re.compile(
    r'unknown cache exporter: "?\w+"?|failed to configure \w+ cache exporter: [^\n]+'
    r"|[Cc]ache export is not supported for the [^\n.]+"
)
_CONTENT = re.compile(
    r"(?:failed to copy: httpReadSeeker|could not fetch content descriptor"
    r"|unexpected commit digest|failed size validation|content digest sha256:\w+: not found)[^\n]*"
)
_PREFIX = re.compile(r"failed to configure \w+ cache importer: |error writing \w+ blob: ")
# Addresses differ from reference to reference, and their queries may be signatures.
_ADDRESS = re.compile(r'(?: (?:to|from))? "?https?://[^\s"]+"?')
_DENIED = re.compile(r"\b40[13]\b|denied|insufficient_scope|unauthorized", re.IGNORECASE)


class CacheFault(BuildError):
    """A layer cache that ended a build; ``writing``: it was to be written, else read."""

    writing: bool = False

    @classmethod
    def of(cls, cause: str, *, writing: bool) -> CacheFault:
        """Return the fault of a ``cause``."""
        fault = cls(Code.LAYER_CACHE(cause))
        fault.writing = writing
        return fault


def fault_of(progress: BuildProgress, text: Sequence[str]) -> CacheFault | None:
    """Return the fault of a cache that a failed bake ended with, None if it is another's.

    ``text``: what buildx wrote beside the rawjson objects.
    """
    said = "\n".join((*text, *(vertex.error for vertex in progress.failed)))
    if match := _SETUP.search(said):
        return CacheFault.of(match[0], writing=True)
    read = any(is_import(one) and one.done and not one.error for one in progress.vertices.values())
    if read and (match := _CONTENT.search(said)):
        return CacheFault.of(_ADDRESS.sub("", match[0]), writing=False)
    return None


def lost_caches(progress: BuildProgress) -> Iterator[str]:
    """Yield a warning for each cause that kept caches from being read or written."""
    lost: dict[tuple[bool, str], dict[str, None]] = {}
    for vertex in progress.vertices.values():
        # The first build of all has none to read.
        missing = is_import(vertex) and vertex.error.endswith(": not found")
        if vertex.name.kind is not VertexKind.CACHE or not vertex.error or vertex.cancelled:
            continue
        if not missing:
            cause = _ADDRESS.sub("", _PREFIX.sub("", vertex.error))
            about = vertex.name.text.removeprefix(_IMPORT).removeprefix(_EXPORT)
            lost.setdefault((is_import(vertex), cause), {})[about] = None
    for (read, cause), names in lost.items():
        done = "read from" if read else "written"
        hint = "log in to its registry" if _DENIED.search(cause) else "the build did without"
        yield str(
            Code.LAYER_CACHE(
                f"warning: layer cache not {done} {' and '.join(names)}: {cause}", hint
            )
        )


def is_import(vertex: Vertex) -> bool:
    """Tell whether a vertex reads a cache."""
    return vertex.name.kind is VertexKind.CACHE and vertex.name.text.startswith(_IMPORT)
