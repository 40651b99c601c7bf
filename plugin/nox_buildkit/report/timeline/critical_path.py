"""The steps that the end of a build waited for, out of their times and what each is made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """Some work with its time; ``inputs``: names of what it is made from.

    BuildKit does not tell that steps wait for errands (definitions, metadata), nor that exports
    wait for everything (``follows``): what ended before they began counts where no input does.
    """

    name: str
    begin: float
    end: float
    inputs: frozenset[str] = frozenset()
    errand: bool = False
    follows: bool = False


def critical_path(
    nodes: Sequence[Node], graph: Mapping[str, frozenset[str]] | None = None
) -> tuple[str, ...]:
    """Return the names of a chain to the last end, of what each waited for the longest.

    ``graph``: inputs of work that has no time itself, such as what BuildKit merged.
    """
    if not nodes:
        return ()
    timed = {node.name: node for node in nodes}
    known = {**(graph or {}), **{node.name: node.inputs for node in nodes}}
    path = [max(nodes, key=_last)]
    seen = {path[0].name}
    while waited := [n for n in _waited_for(path[-1], timed, known) if n.name not in seen]:
        path.append(max(waited, key=_last))
        seen.add(path[-1].name)
    return tuple(node.name for node in reversed(path))


def _last(node: Node) -> tuple[float, float, str]:
    return node.end, node.begin, node.name


def _waited_for(
    node: Node, timed: Mapping[str, Node], known: Mapping[str, frozenset[str]]
) -> list[Node]:
    made_from = [timed[name] for name in _inputs(node.name, timed, known)]
    # What began later was not waited for: it is told under one name with an earlier run.
    if before := [one for one in made_from if one.begin <= node.begin]:
        return before
    every = (one for one in timed.values() if one.end <= node.begin and one.name != node.name)
    return [one for one in every if one.errand or node.follows]


def _inputs(
    name: str, timed: Mapping[str, Node], known: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    """Yield the nearest work with a time that ``name`` is made from, through what has none."""
    waiting, seen = list(known.get(name, ())), {name}
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        if each in timed:
            yield each
        else:
            waiting += known.get(each, ())
