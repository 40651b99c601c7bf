"""Builds that a compose or bake file states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

#: What stands for a group, a tag or a value that buildx would have filled in.
DOCKERFILE = "Dockerfile"


@dataclass(frozen=True, slots=True)
class Build:
    """One build; ``where``: its place, ``why``: a sentence for the comment of its image.

    ``keys``: of the image, as its file states them; ``contexts``: by what the Dockerfile
    calls them, ``target:NAME`` for another build.
    """

    name: str
    where: str
    why: str
    context: str = "."
    dockerfile: str = DOCKERFILE
    inline: str = ""
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, Any] = field(default_factory=dict)
    contexts: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()

    @property
    def recipe(self) -> tuple[object, ...]:
        """Equal for builds that make the same image."""
        args = tuple(sorted(self.args.items()))
        contexts = tuple(sorted(self.contexts.items()))
        return self.context, self.dockerfile, self.inline, self.target, args, contexts


@dataclass(frozen=True, slots=True)
class Builds:
    """All builds of a file; ``groups`` of them; ``notes``: what has no counterpart."""

    builds: tuple[Build, ...] = ()
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def joined(baked: Builds, composed: Builds) -> Builds:
    """Return the builds of both: services say how that starts which a target builds."""
    found = list(baked.builds)
    rest: list[Build] = []
    for service in composed.builds:
        at = next(_same(found, service), None)
        if at is None:
            rest.append(service)
            continue
        target = found[at]
        why = f"{target.why} {service.why}"
        found[at] = replace(target, keys={**service.keys, **target.keys}, why=why)
    notes = (*baked.notes, *composed.notes)
    return Builds((*found, *rest), {**composed.groups, **baked.groups}, notes)


def _same(found: Sequence[Build], service: Build) -> Iterator[int]:
    yield from (i for i, each in enumerate(found) if each.name == service.name)
    place = (service.context, service.dockerfile, service.target)
    for position, each in enumerate(found):
        if (each.context, each.dockerfile, each.target) == place:
            yield position
