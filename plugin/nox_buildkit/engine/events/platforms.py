"""The platforms that need a vertex, told by the graph of a solve."""

from __future__ import annotations

from collections.abc import Iterable

from nox_buildkit.engine.events.vertex import Vertex


def platforms_of(vertices: Iterable[Vertex]) -> dict[str, frozenset[str]]:
    """For each vertex the platforms of all that is made from it, or the one in its own name."""
    consumers: dict[str, list[str]] = {}
    own: dict[str, frozenset[str]] = {}
    for vertex in vertices:
        platform = vertex.name.platform
        own[vertex.digest] = frozenset({platform} if platform else ())
        for digest in vertex.inputs:
            consumers.setdefault(digest, []).append(vertex.digest)
    found: dict[str, frozenset[str]] = {}

    def needed_by(digest: str) -> frozenset[str]:
        if digest not in found:
            found[digest] = frozenset()
            users = [needed_by(user) for user in consumers.get(digest, ())]
            found[digest] = frozenset().union(*users) or own.get(digest, frozenset())
        return found[digest]

    return {digest: needed_by(digest) for digest in own}
