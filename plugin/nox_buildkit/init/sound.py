"""Images whose keys do not contradict each other: the model of the spec knows the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from nox_buildkit.buildspec.model.contradictions import of_whole
from nox_buildkit.buildspec.model.grammar import parent_image
from nox_buildkit.buildspec.model.image import Image
from nox_buildkit.init.acceptable import acceptable
from nox_buildkit.init.proposal import ProposedImage


def sound(images: Sequence[ProposedImage], notes: list[str]) -> Iterator[ProposedImage]:
    """Yield ``images`` without what contradicts the rest, and say so in ``notes``."""
    platforms = {image.name: image.keys.get("platforms") for image in images}
    for image in images:
        keys = dict(image.keys)
        parent = parent_image(str(keys.get("base", "")))
        if parent and platforms.get(parent) and "platforms" not in keys:
            keys["platforms"] = platforms[parent]
        keys, refused = acceptable(Image, keys, of_whole)
        notes += [f"{image.name}: {reason}" for reason in refused]
        yield replace(image, keys=keys)
