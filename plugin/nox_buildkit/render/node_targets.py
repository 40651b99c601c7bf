"""Bake targets of one platform each, for builders of several nodes.

buildx merges what nodes make in a registry alone: "oci for multi-node builds currently not
supported" (docker/buildx, build/build.go). So each node makes a layout, and these are composed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nox_buildkit.plan.plan import Plan
from nox_buildkit.render.stage import variant_context

_TARGET = "target:"


@dataclass(frozen=True, slots=True)
class Part:
    """The image of ``platform`` in ``image``, which one node makes."""

    image: str
    platform: str

    @property
    def target(self) -> str:
        """The name of the bake target; no image has such a name."""
        return f"{self.image}-ON-{self.platform.replace('/', '-')}"


def parts_of(plan: Plan) -> tuple[Part, ...]:
    """Return the parts of the images of ``plan``, in the order of their indexes."""
    return tuple(Part(i.name, platform) for i in plan.images for platform in i.every_platform)


def names_of_parts(plan: Plan) -> dict[str, tuple[str, str]]:
    """Return image and platform of every target of `node_targets`, by its name."""
    every = (Part(target.name, p) for target in plan.targets for p in target.every_platform)
    return {part.target: (part.image, part.platform) for part in every}


def node_targets(plan: Plan, definition: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a target for each platform of each target of ``plan``.

    ``definition``: the targets with all that a run adds to them.
    """
    found = {}
    for target in plan.targets:
        stated = definition[target.name]
        own = {variant_context(variant): variant.platforms for variant in target.variants}
        for platform in target.every_platform:
            part = Part(target.name, platform)
            found[part.target] = {
                **stated,
                "contexts": dict(_contexts(stated["contexts"], own, platform)),
                "platforms": [platform],
                "tags": [],
            }
    return found


def _contexts(
    stated: Mapping[str, str], variants: Mapping[str, tuple[str, ...]], platform: str
) -> Iterator[tuple[str, str]]:
    for name, context in stated.items():
        if platform not in variants.get(name, (platform,)):
            continue
        if context.startswith(_TARGET):
            yield name, _TARGET + Part(context.removeprefix(_TARGET), platform).target
        else:
            yield name, context
