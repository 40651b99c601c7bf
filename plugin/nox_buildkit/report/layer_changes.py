"""Reasons for which layers are made again, in words: for people, and as JSON values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nox_buildkit.errors import Location
from nox_buildkit.plan.layer_changes import InputChange, LayerChange
from nox_buildkit.plan.layer_inputs import CONFIGURATION, Input
from nox_buildkit.printable import shortened, visible
from nox_buildkit.report.figures import size

_SHOWN = 6
_LENGTH = 60
#: Values that are digests, or texts of no interest: it is said that they changed, and no more.
_OPAQUE = frozenset({"file", "placed", "step", "operation", "tool"})
_NOUNS = {
    "env": "env ",
    "argument": "argument ",
    "label": "label ",
    "debian": "Debian package ",
    "base": "base ",
}


@dataclass(frozen=True, slots=True)
class Places:
    """Places of inputs: lines of the lock by package, places of the spec by key."""

    lock: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[tuple[str, str], Location] = field(default_factory=dict)

    def of(self, each: Input) -> str:
        """Return the place of an input as text, or nothing."""
        if each.kind == "package" and (line := self.lines.get(each.name)):
            return f" ({self.lock}:{line})"
        if at := self.keys.get((each.kind, each.name)):
            return f" ({at.file}:{at.line})"
        return ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Changes in each layer of a target since ``since``.

    ``places``: of its inputs; ``last``: compressed bytes of the last build, by platform.
    """

    since: str
    layers: tuple[LayerChange, ...]
    places: Places = Places()
    last: Mapping[str, int] = field(default_factory=dict)


def sentences(layer: LayerChange, places: Places, shown: int = _SHOWN) -> Iterator[str]:
    """Yield changes of the inputs of a layer, a sentence each; the rest is counted."""
    for change in layer.changes[:shown]:
        yield sentence(change, places)
    if len(layer.changes) > shown:
        yield f"and {len(layer.changes) - shown} more"


def sentence(change: InputChange, places: Places) -> str:
    """Say a change of one input."""
    each = change.now
    name = visible(shortened(f"{_NOUNS.get(each.kind, '')}{each.name}", _LENGTH))
    where = f" on {' and '.join(change.platforms)}" if change.platforms else ""
    place = places.of(each)
    if change.before is None:
        version = f" {_shown(each)}" if each.kind in ("package", "debian") else ""
        return f"{name}{version.rstrip()} is new{where}{place}"
    if change.after is None:
        return f"{name} is gone{where}"
    before, after = _shown(change.before), _shown(change.after)
    if (each.kind in _OPAQUE and each.kind != "tool") or before == after:
        return f"{name} changed{where}{place}"
    if each.kind == "tool" and each.name == "nox-buildkit":
        return "nox-buildkit itself is another version"
    return f"{name} {before} → {after}{where}{place}"


def _shown(each: Input) -> str:
    if each.kind == "package":
        return each.value.partition(" ")[0]
    if each.kind == "base":
        return each.value[:19]
    return visible(shortened(each.value, _LENGTH))


def layer_line(layer: LayerChange, places: Places) -> str:
    """Return one line: the layer, and why it is made again."""
    return f"{layer.title}: {'; '.join(sentences(layer, places, 3))}"


def weight(explanation: Explanation) -> Iterator[str]:
    """Yield a line a platform: what it weighed, and about how much it grows.

    Wheels are compressed as layers are, nearly; what the sources add is not known before.
    """
    last = explanation.last
    for platform, before in last.items():
        grown = sum(
            change.growth
            for layer in explanation.layers
            for change in layer.changes
            if change.now.kind == "package" and platform in (change.platforms or last)
        )
        words = f"about {'+' if grown > 0 else '-'}{size(abs(grown))}" if grown else "as before"
        yield f"{platform}: {size(before)} last time, {words}"


def changes_document(explanation: Explanation) -> dict[str, Any]:
    """Return the layers of an image with what changed, as JSON values."""
    layers = [_layer_document(layer, explanation.places) for layer in explanation.layers]
    return {"since": explanation.since, "layers": layers, "last_sizes": dict(explanation.last)}


def _layer_document(layer: LayerChange, places: Places) -> dict[str, Any]:
    return {
        "layer": layer.title,
        "kind": layer.kind,
        "made_again": bool(layer.changes) and layer.kind != CONFIGURATION,
        "changes": [
            {
                "kind": change.now.kind,
                "name": change.now.name,
                "platforms": list(change.platforms),
                "before": change.before and _shown(change.before),
                "after": change.after and _shown(change.after),
                "said": sentence(change, places),
            }
            for change in layer.changes
        ],
    }
