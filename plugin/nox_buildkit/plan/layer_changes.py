"""Differences between the inputs of an image's layers, then and now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nox_buildkit.plan.layer_inputs import BASE, Input, LayerInputs


@dataclass(frozen=True, slots=True)
class InputChange:
    """An input that is new (``before`` is None), gone (``after`` is None), or another one.

    ``platforms``: those that it is for, if not all.
    """

    before: Input | None
    after: Input | None
    platforms: tuple[str, ...] = ()

    @property
    def now(self) -> Input:
        """The input, as it is or was."""
        found = self.after or self.before
        assert found is not None  # noqa: S101
        return found

    @property
    def growth(self) -> int:
        """Bytes by which the input grew."""
        return (self.after.size if self.after else 0) - (self.before.size if self.before else 0)


@dataclass(frozen=True, slots=True)
class LayerChange:
    """Changes in the inputs of a layer; without changes it comes from the cache."""

    title: str
    kind: str
    changes: tuple[InputChange, ...]


def layer_changes(
    before: Sequence[LayerInputs], after: Sequence[LayerInputs]
) -> tuple[LayerChange, ...]:
    """Return each layer of ``after`` with what differs from the layer of that name before."""
    known = {each.title: each.inputs for each in before}
    found = [
        LayerChange(each.title, each.kind, tuple(_merged(known.get(each.title, ()), each.inputs)))
        for each in after
    ]
    gone = known.keys() - {each.title for each in after}
    kinds = {each.title: each.kind for each in before}
    found += [
        LayerChange(title, kinds[title], tuple(_merged(known[title], ())))
        for title in known
        if title in gone
    ]
    return tuple(found)


def _merged(before: Sequence[Input], after: Sequence[Input]) -> Iterator[InputChange]:
    """Yield changes; the same one on several platforms is one."""
    found: dict[tuple[object, ...], list[InputChange]] = {}
    for change in _changes(before, after):
        values = [(each.value if each else None) for each in (change.before, change.after)]
        found.setdefault((change.now.kind, change.now.name, *values), []).append(change)
    for changes in found.values():
        platforms = tuple(each.now.platform for each in changes if each.now.platform)
        yield InputChange(changes[0].before, changes[0].after, platforms)


def _changes(before: Sequence[Input], after: Sequence[Input]) -> Iterator[InputChange]:
    then = {(each.platform, each.kind, each.name): each for each in before}
    now = {(each.platform, each.kind, each.name): each for each in after}
    for key in {**now, **then}:
        old, new = then.get(key), now.get(key)
        if (old and old.value) != (new and new.value) or (old is None) != (new is None):
            yield InputChange(old, new)


def causes(changes: Sequence[LayerChange]) -> tuple[LayerChange, ...]:
    """Return ``changes`` without what is said in more detail elsewhere.

    The digest of an assembled base changes with its Debian packages, and those are told.
    """
    found = []
    for each in changes:
        if each.kind == BASE and any(one.now.kind == "debian" for one in each.changes):
            kept = tuple(one for one in each.changes if one.now.kind != BASE)
            found.append(LayerChange(each.title, each.kind, kept))
        else:
            found.append(each)
    return tuple(found)
