"""A limit for silent registries: one that accepts a connection may never answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nox_buildkit.engine.bake import Update
from nox_buildkit.engine.events.cache_faults import CacheFault, is_import
from nox_buildkit.engine.events.vertex import Vertex, VertexKind
from nox_buildkit.environment import FETCH_TIMEOUT, PUSH_TIMEOUT, seconds_stated
from nox_buildkit.errors import BuildError, Code
from nox_buildkit.oci.references import ImageReference

#: Seconds of silence before somebody is told what is waited for.
_SILENT = 15

#: What the name of a vertex begins with that asks a registry for an image.
_ASKS = ("load metadata for ", "resolve image config for ")


@dataclass
class Patience:
    """Looks on at a bake, and ends it when a registry or a cache stands still for some seconds.

    ``seconds``: of a cache that is written; ``fetch_seconds``: of an image, or a cache, that is
    asked for; ``tell`` says what is waited for.
    """

    seconds: float
    fetch_seconds: float
    tell: Callable[[str], None]
    _since: float = field(default=0.0, init=False)
    _told: bool = field(default=False, init=False)

    @classmethod
    def of_environment(cls, tell: Callable[[str], None]) -> Patience:
        """Return one with the limits that the user has set. Raises UsageError."""
        # BuildKit tells nothing while it sends a layer.
        push = seconds_stated(PUSH_TIMEOUT, 1800)
        return cls(push, seconds_stated(FETCH_TIMEOUT, 300), tell)

    def look(self, update: Update) -> None:
        """Take an event, or the news that there was none. Raises BuildError."""
        every = [one for one in update.progress.vertices.values() if one.running]
        caches = [one for one in every if one.name.kind is VertexKind.CACHE]
        running = [one for one in every if one.name.kind is not VertexKind.CACHE]
        if update.line or not self._since or not every or not all(map(_asked, running)):
            self._since, self._told = update.now, False
            return
        silent = update.now - self._since
        if caches:
            self._look_at_caches(caches, silent)
            return
        seconds, registry = self.fetch_seconds, " and ".join(_fetched_from(running))
        if silent > seconds:
            message = f"the registry {registry} did not go on for {seconds:.0f} s of fetching "
            hint = f"check that it runs; {FETCH_TIMEOUT} sets another number of seconds"
            raise BuildError(Code.TIME_LIMIT(f"{message}an image", hint))
        if silent > min(_SILENT, seconds / 2) and not self._told:
            self._told = True
            self.tell(f"waiting for the registry {registry}, for {seconds:.0f} s at most")

    def _look_at_caches(self, caches: Sequence[Vertex], silent: float) -> None:
        """End a build whose caches do not answer. Raises CacheFault."""
        writing = not all(map(is_import, caches))
        seconds = self.seconds if writing else self.fetch_seconds
        if silent > seconds:
            variable = PUSH_TIMEOUT if writing else FETCH_TIMEOUT
            cause = f"it did not go on for {seconds:.0f} s ({variable})"
            raise CacheFault.of(cause, writing=writing)
        if silent > min(_SILENT, seconds / 2) and not self._told:
            self._told = True
            self.tell(f"waiting for the layer cache, for {seconds:.0f} s at most")


def _fetched_from(running: Sequence[Vertex]) -> list[str]:
    return list(dict.fromkeys(ImageReference.parse(_asked(one)).registry for one in running))


def _asked(vertex: Vertex) -> str:
    """The image that a vertex asks its registry for; empty, if it does something else.

    BuildKit tells the layers of an image as parts of the FROM that needs them.
    """
    text = vertex.name.text
    for words in _ASKS:
        if text.startswith(words):
            return text.removeprefix(words)
    return text.removeprefix("FROM ").split()[0] if text.startswith("FROM ") else ""
