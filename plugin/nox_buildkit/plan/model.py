"""The plan: one frozen value that says everything about what is going to be built.

Printed it is the dry run, rendered it is a Dockerfile and a bake definition, run it is the build.
It speaks of layers, packages, files and image configuration; how BuildKit is told so is the
business of ``render``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from nox_buildkit.buildspec.model.grammar import image_below
from nox_buildkit.plan.parts import (
    Application,
    Base,
    DebianPackage,
    ImageConfig,
    LayerKind,
    Package,
    PlacedFile,
    PlatformPlan,
    Start,
    Step,
    StepPackages,
)
from nox_buildkit.plan.wheel_platforms import PLATFORMS, Libc


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """One image: an index of ``platforms`` over ``base``, tagged ``references``.

    ``generator``: what turns the plan into an image; ``variants``: what it is on more platforms,
    where that differs by more than packages.
    ``builder``: where build steps run, if not in the base; ``compiler``: where packages without a
    wheel are compiled, after the Debian packages ``build_apt`` were added; ``debian``: the packages
    of a base that is assembled here; ``apt``: those that a step adds to another base. ``own``: like
    ``pure``, but no index has them, and they change with the sources; ``step_packages`` and
    ``step_apt``: what the machine that runs ``steps`` needs besides the pure packages.
    """

    name: str
    generator: str
    base: Base
    builder: Base | None
    compiler: Base | None
    debian: tuple[DebianPackage, ...]
    apt: tuple[str, ...]
    build_apt: tuple[str, ...]
    libc: Libc
    uv: str
    python: str
    lock: str | None
    index: str | None
    extra_indexes: tuple[str, ...]
    pure: tuple[Package, ...]
    own: tuple[Package, ...]
    platforms: tuple[PlatformPlan, ...]
    application: Application
    directories: tuple[str, ...]
    files: tuple[PlacedFile, ...]
    prestart: tuple[tuple[str, ...], ...]
    steps: tuple[Step, ...]
    step_packages: tuple[StepPackages, ...]
    step_apt: tuple[str, ...]
    config: ImageConfig
    starts: Start
    tags: tuple[str, ...]
    repository: str | None
    variants: tuple[ImagePlan, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[ImagePlan, ...]:
        """Itself and its variants, each a target of bake."""
        return (self, *self.variants)

    @property
    def every_platform(self) -> tuple[str, ...]:
        """The platforms of the index, those of variants included."""
        return tuple(platform.platform for one in self.targets for platform in one.platforms)

    def on(self, platform: str) -> ImagePlan:
        """What it is on ``platform``: itself, or a variant."""
        return next(one for one in self.targets if platform in [p.platform for p in one.platforms])

    @property
    def below(self) -> tuple[str, ...]:
        """Names of the images of the plan that it builds on."""
        names = (image_below(base.context) for one in self.targets for base in one.bases.values())
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def has_environment(self) -> bool:
        """Whether there is a virtual environment, be it of the base."""
        return self.has_packages or self.extends

    @property
    def extends(self) -> bool:
        """Whether the base has a virtual environment already."""
        return any(platform.installed for platform in self.platforms)

    @property
    def bases(self) -> dict[str, Base]:
        """Every image that the build starts from, by the name of its stage."""
        named = {"base": self.base, "builder": self.builder, "compiler": self.compiler}
        return {
            name: base
            for name, base in named.items()
            if base and (name != "compiler" or self.compiling or self.compiles_for_steps)
        }

    @property
    def references(self) -> tuple[str, ...]:
        """``registry/name:tag`` for every tag; without a registry, ``name:tag``."""
        return tuple(f"{self.repository or self.name}:{tag}" for tag in self.tags)

    @property
    def layers(self) -> tuple[LayerKind, ...]:
        """The layers above the base in their order; each is one layer of the image."""
        # Small ones are the first and the last: the working folder, and what surrounds the sources.
        kinds: list[LayerKind] = ["app"]
        if self.has_packages:
            kinds.append("pure")
        if self.has_native:
            kinds.append("native")
        if self.own:
            kinds.append("app")
        if self.steps:
            kinds.append("app")
        return (*kinds, "app", "app")

    @property
    def placed_layer(self) -> int:
        """Position in ``layers`` of what surrounds the application, placed files among it."""
        return len(self.layers) - 1

    @property
    def source_layer(self) -> int:
        """Position in ``layers`` of the application's files."""
        return self.placed_layer - (2 if self.steps else 1)

    @property
    def has_packages(self) -> bool:
        """Whether there is a virtual environment at all."""
        return bool(self.pure or self.own) or self.has_native

    @property
    def compiling(self) -> tuple[str, ...]:
        """Platforms on which packages are compiled, because they have no wheel for them."""
        return tuple(p.platform for p in self.platforms if any(x.compiled for x in p.packages))

    @property
    def compiled_everywhere(self) -> tuple[Package, ...]:
        """Packages that have no wheel for any platform; they may turn out to be pure."""
        compiled = [{x for x in p.packages if x.compiled} for p in self.platforms]
        return tuple(sorted(set.intersection(*compiled), key=lambda package: package.name))

    @property
    def compiles_for_steps(self) -> bool:
        """Whether what the steps need has to be compiled."""
        return any(x.compiled for one in self.step_packages for x in one.packages)

    @property
    def stepping(self) -> tuple[str, ...]:
        """Platforms on which steps run: Debian packages are added, or packages compiled there."""
        every = tuple(p.platform for p in self.platforms)
        return every if self.apt else tuple(p for p in every if p in {*self.compiling, *self.there})

    @property
    def there(self) -> tuple[str, ...]:
        """Platforms whose native packages are installed on the platform itself."""
        return tuple(
            p.platform
            for p in self.platforms
            if p.packages and not PLATFORMS[p.platform].known_to_uv
        )

    @property
    def has_native(self) -> bool:
        """Whether some platform has packages that the others do not share."""
        return any(platform.packages for platform in self.platforms)

    @property
    def digest(self) -> str:
        """Equal for equal plans: what is built does not depend on anything else."""
        return _digest(self._identity())

    def _identity(self) -> dict[str, Any]:
        value = dataclasses.asdict(self)
        value["variants"] = [variant._identity() for variant in self.variants]
        # Where the sources lie, and what lies beside them, such as dist, is not in the image.
        del value["application"]["folder"], value["application"]["ignored"]
        # Time passes, and a base that was supported is not.
        del value["warnings"]
        lists = [each[key] for each in value["platforms"] for key in ("packages", "installed")]
        lists += [each["packages"] for each in value["step_packages"]]
        for packages in (value["pure"], value["own"], *lists):
            for package in packages:
                del package["path"], package["url"]
        for file in value["files"]:
            del file["path"]
        return value


@dataclass(frozen=True, slots=True)
class Plan:
    """All images of one build; ``below``: those that only others build on.

    ``groups``: names for some of the images.
    """

    uv: str
    native: tuple[str, ...]
    images: tuple[ImagePlan, ...]
    below: tuple[ImagePlan, ...] = ()
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def targets(self) -> tuple[ImagePlan, ...]:
        """Every image and variant, each a target of bake."""
        images = (*self.images, *self.below)
        return tuple(target for image in images for target in image.targets)

    @property
    def platforms(self) -> frozenset[str]:
        """Every platform that some image is built for."""
        return frozenset(p.platform for target in self.targets for p in target.platforms)

    @property
    def emulated(self) -> frozenset[str]:
        """Platforms on which steps run though no machine that builds is one of them."""
        return frozenset(p for each in self.targets for p in each.stepping) - set(self.native)

    def stack(self, image: ImagePlan, platform: str) -> tuple[ImagePlan, ...]:
        """``image`` as it is on ``platform``, what that builds on, and so on to the root."""
        one = image.on(platform)
        known = {each.name: each for each in (*self.images, *self.below)}
        name = image_below(one.base.context)
        return (one, *(self.stack(known[name], platform) if name else ()))

    def without(self, names: Container[str]) -> Plan:
        """The same plan without the images ``names``, but for what others build on."""
        known = {image.name: image for image in (*self.images, *self.below)}
        images = tuple(image for image in self.images if image.name not in names)
        needed: dict[str, None] = {}
        waiting = list(images)
        while waiting:
            for name in waiting.pop().below:
                if name not in needed:
                    needed[name] = None
                    waiting.append(known[name])
        asked = {image.name for image in images}
        below = tuple(known[name] for name in needed if name not in asked)
        groups = tuple((name, each) for name, each in self.groups if asked.issuperset(each))
        return dataclasses.replace(self, images=images, below=below, groups=groups)

    def to_json(self) -> dict[str, Any]:
        """The whole plan as JSON values."""
        return {
            "version": 1,
            "uv": self.uv,
            "native": list(self.native),
            "images": [_image_json(image) for image in self.images],
            "below": [_image_json(image) for image in self.below],
        }


def _image_json(image: ImagePlan) -> dict[str, Any]:
    return {
        **dataclasses.asdict(image),
        "variants": [_image_json(variant) for variant in image.variants],
        "references": list(image.references),
        "layers": list(image.layers),
        "digest": image.digest,
    }


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
