"""The plan: one frozen value that says everything about a build.

Printed it is the dry run, rendered it is a Dockerfile and a bake definition, run it is the build.
It speaks of stages, layers, packages, files and image configuration; ``render`` alone knows how
BuildKit is instructed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container
from dataclasses import dataclass

from nox_buildkit.plan.base import LayoutImage
from nox_buildkit.plan.facts import GitFacts
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import Requirements
from nox_buildkit.plan.packages import Package


@dataclass(frozen=True, slots=True)
class Plan:
    """All images of one build; ``ancestors``: images that only others build on.

    ``native``: platforms of the machines that build; ``groups``: names for some of the images;
    ``git``: the commit that is built.
    """

    uv: str
    native: tuple[str, ...]
    images: tuple[ImagePlan, ...]
    ancestors: tuple[ImagePlan, ...] = ()
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    git: GitFacts | None = None

    @property
    def every_image(self) -> tuple[ImagePlan, ...]:
        """The images and their ancestors."""
        return (*self.images, *self.ancestors)

    @property
    def targets(self) -> tuple[ImagePlan, ...]:
        """Every image and every variant."""
        return tuple(target for image in self.every_image for target in image.targets)

    @property
    def platforms(self) -> frozenset[str]:
        """Every platform that some image is built for."""
        return frozenset(platform for target in self.targets for platform in target.platforms)

    @property
    def layouts(self) -> tuple[LayoutImage, ...]:
        """The OCI layouts of this machine that the build reads."""
        bases = (base for target in self.targets for base in target.bases.named.values())
        sources = (base.source for base in bases)
        return tuple(dict.fromkeys(s for s in sources if isinstance(s, LayoutImage)))

    @property
    def packages(self) -> tuple[Package, ...]:
        """Every package that a stage installs or compiles."""
        reads = (read for t in self.targets for stage in t.stages for read in stage.reads)
        lists = (one for read in reads if isinstance(read, Requirements) for one in read.lists)
        return tuple(dict.fromkeys(package for _, packages in lists for package in packages))

    @property
    def emulated(self) -> frozenset[str]:
        """Platforms that are emulated: a stage runs there, and no machine that builds is one."""
        return frozenset(p for each in self.targets for p in each.on_target) - set(self.native)

    def lineage(self, image: ImagePlan, platform: str) -> tuple[ImagePlan, ...]:
        """Return ``image`` as it is on ``platform``, its parent there, and so on to the root."""
        known = {each.name: each for each in self.every_image}
        found = [image.on(platform)]
        while name := found[-1].parent:
            found.append(known[name].on(platform))
        return tuple(found)

    def without(self, names: Container[str]) -> Plan:
        """Return the plan without the images ``names``, but with those that others build on."""
        known = {image.name: image for image in self.every_image}
        images = tuple(image for image in self.images if image.name not in names)
        needed: dict[str, None] = {}
        waiting = list(images)
        while waiting:
            for name in waiting.pop().parents:
                if name not in needed:
                    needed[name] = None
                    waiting.append(known[name])
        asked = {image.name for image in images}
        ancestors = tuple(known[name] for name in needed if name not in asked)
        groups = tuple((name, each) for name, each in self.groups if asked.issuperset(each))
        return dataclasses.replace(self, images=images, ancestors=ancestors, groups=groups)
