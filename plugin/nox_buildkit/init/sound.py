"""Images whose keys do not contradict each other: the model of the spec knows the rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nox_buildkit.buildspec.model.contradictions import of_whole
from nox_buildkit.buildspec.model.grammar import parent_image
from nox_buildkit.buildspec.model.image import DEFAULT_TAGS, Image
from nox_buildkit.init.acceptable import acceptable
from nox_buildkit.init.proposal import ProposedImage


def sound(images: Sequence[ProposedImage], notes: list[str]) -> Iterator[ProposedImage]:
    """Yield ``images`` without what contradicts the rest, and say so in ``notes``."""
    platforms = {image.name: image.keys.get("platforms") for image in images}
    published: dict[tuple[str, str], str] = {}
    for image in images:
        keys = dict(image.keys)
        parent = parent_image(str(keys.get("base", "")))
        if parent and platforms.get(parent) and "platforms" not in keys:
            keys["platforms"] = platforms[parent]
        keys, refused = acceptable(Image, keys, of_whole)
        notes += [f"{image.name}: {reason}" for reason in refused]
        yield replace(image, keys=keys | _repositories(image.name, keys, published, notes))


def _repositories(
    name: str, keys: Mapping[str, Any], published: dict[tuple[str, str], str], notes: list[str]
) -> dict[str, Any]:
    """Return the key without repositories in which another image has the tag already."""
    kept: list[str] = []
    for repository in keys.get("repositories", ()):
        places = [(repository.replace("{image}", name), tag)
                  for tag in keys.get("tags") or DEFAULT_TAGS]  # fmt: skip
        others = [f"the tag '{p[1]}' is that of {published[p]}" for p in places if p in published]
        published |= {place: name for place in places if place not in published}
        if others:
            notes.append(f"{name}: repositories: {repository}: not taken over: {others[0]}")
        else:
            kept.append(repository)
    return {"repositories": kept} if "repositories" in keys else {}
