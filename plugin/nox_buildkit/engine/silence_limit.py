"""How long a push may be silent: a registry that takes a connection may never answer on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from nox_buildkit.engine.bake import Update
from nox_buildkit.engine.events.vertex import Kind, Vertex
from nox_buildkit.errors import BuildError, Problem

#: Seconds of silence before somebody is told what is waited for.
_SILENT = 15


@dataclass
class Patience:
    """Looks on at a bake, and ends it when a push makes no progress for ``seconds``.

    ``registries``: where each image goes; ``tell`` says what is waited for.
    """

    seconds: float
    registries: dict[str, str]
    tell: Callable[[str], None]
    _since: float = field(default=0.0, init=False)
    _told: bool = field(default=False, init=False)

    def look(self, update: Update) -> None:
        """Take an event, or the news that there was none. Raises BuildError."""
        running = [one for one in update.progress.vertices.values() if one.running]
        if update.line or not self._since or not running or not all(map(_pushes, running)):
            self._since, self._told = update.now, False
            return
        silent = update.now - self._since
        names = (self.registries.get(image, image) for one in running for image in one.images)
        registry = " and ".join(dict.fromkeys(names))
        if silent > self.seconds:
            raise BuildError(
                Problem(
                    f"the registry {registry} did not go on for {self.seconds:.0f} s of a push",
                    "check that it runs; NOX_BUILDKIT_PUSH_TIMEOUT sets another number of seconds",
                )
            )
        if silent > _SILENT and not self._told:
            self._told = True
            self.tell(f"waiting for the registry {registry}, for {self.seconds:.0f} s at most")


def _pushes(vertex: Vertex) -> bool:
    part = vertex.transfer
    return vertex.name.kind is Kind.EXPORT and part is not None and part.name.startswith("pushing")
