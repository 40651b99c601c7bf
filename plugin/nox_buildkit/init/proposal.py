"""A proposal for a project: images, sets of requirements, groups, and doubts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nox_buildkit.buildspec.model.grammar import IMAGE_NAME


@dataclass(frozen=True, slots=True)
class ProposedImage:
    """An image of the proposal: its ``keys``; ``why``: a sentence for its comment.

    ``requirements``: the set that it installs, where it is not what a build finds by itself.
    """

    name: str
    why: str
    keys: Mapping[str, Any]
    requirements: Mapping[str, Any] = field(default_factory=dict)

    @property
    def command(self) -> tuple[str, ...]:
        """The command in exec form."""
        return tuple(self.keys.get("command", ()))


@dataclass(frozen=True, slots=True)
class Proposal:
    """``notes``: doubts, and what has no counterpart, for whoever asked."""

    images: tuple[ProposedImage, ...]
    notes: tuple[str, ...] = ()
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)


def image_name(text: str) -> str:
    """Return ``text`` as the name of an image."""
    name = re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-_")
    return name if re.fullmatch(IMAGE_NAME, name) else "app"


def serving(images: Sequence[ProposedImage], name: str) -> ProposedImage | None:
    """Return what serves among the images of the project ``name``: the one called so."""
    return next((image for image in images if image.name == name), images[0] if images else None)


def distinct(images: Sequence[ProposedImage]) -> tuple[ProposedImage, ...]:
    """Return ``images`` with a name of its own for each."""
    found: dict[str, ProposedImage] = {}
    for image in images:
        name, number = image.name, 2
        while name in found:
            name, number = f"{image.name}-{number}", number + 1
        found[name] = ProposedImage(name, image.why, image.keys, image.requirements)
    return tuple(found.values())


def without_command(images: Sequence[ProposedImage], where: str) -> Iterator[str]:
    """Yield a note for each of ``images`` that nobody has said how to start."""
    for image in images:
        if not image.command and not image.keys.get("entrypoint"):
            yield f"{where}: {image.name}: set 'command': nothing says how it starts"
