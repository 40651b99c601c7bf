"""What an image is made of: a target for each group of platforms on which it is the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from nox_buildkit.errors import Location, Problem
from nox_buildkit.spec.grammar import image_below
from nox_buildkit.spec.image import Variant
from nox_buildkit.spec.model import BuildSpec
from nox_buildkit.spec.text import nearest, shown


@dataclass(frozen=True, slots=True)
class Target:
    """What the image ``image`` is on ``platforms``; no other target has the same ``name``.

    ``below``: the target of the same spec that it builds on.
    """

    name: str
    image: str
    platforms: tuple[str, ...] = field(compare=False)
    variant: Variant = field(compare=False)
    below: Target | None = field(compare=False)
    spec: BuildSpec = field(compare=False)
    path: tuple[str, ...] = field(compare=False)

    def location(self, *key: str | int) -> Location | None:
        """Where the value of a key was written."""
        return self.spec.location(*self.path, *key)

    @property
    def user(self) -> str:
        """The user of its containers, which an image inherits like a Dockerfile's FROM."""
        own = "user" in self.variant.model_fields_set
        return self.variant.user if own or not self.below else self.below.user

    @property
    def workdir(self) -> str:
        """The working folder, which is inherited likewise."""
        own = "workdir" in self.variant.model_fields_set
        return self.variant.workdir if own or not self.below else self.below.workdir

    @property
    def root(self) -> Target:
        """The one at the bottom, whose base is not of this spec."""
        return self.below.root if self.below else self


def targets_of(spec: BuildSpec, name: str) -> tuple[Target, ...]:
    """The targets of the image ``name``, which has each of its platforms in one of them."""
    image = spec.images[name]
    found: dict[tuple[str, Target | None], list[str]] = {}
    for platform in image.platforms:
        own = platform if platform in image.per_platform else ""
        base = image_below(image.per_platform.get(platform, image).base)
        below = _on(spec, base, platform) if base else None
        found.setdefault((own, below), []).append(platform)
    return tuple(
        Target(
            name=name if not position else f"{name}-{platforms[0].replace('/', '-')}",
            image=name,
            platforms=tuple(platforms),
            variant=image.per_platform.get(own, image),
            below=below,
            spec=spec,
            path=("images", name, *(("per-platform", own) if own else ())),
        )
        for position, ((own, below), platforms) in enumerate(found.items())
    )


def _on(spec: BuildSpec, name: str, platform: str) -> Target:
    return next(target for target in targets_of(spec, name) if platform in target.platforms)


def all_targets(spec: BuildSpec) -> Iterator[Target]:
    """The targets of all images."""
    for name in spec.images:
        yield from targets_of(spec, name)


def with_images_below(spec: BuildSpec, names: Iterable[str]) -> tuple[str, ...]:
    """``names`` and all images that they build on, each after those."""
    found: dict[str, None] = {}

    def add(name: str) -> None:
        for variant in _variants(spec, name):
            if base := image_below(variant.base):
                add(base)
        found[name] = None

    for name in names:
        add(name)
    return tuple(found)


def mistakes(spec: BuildSpec) -> list[Problem]:
    """What does not fit together between images."""
    problems = [problem for name in spec.images for problem in _mistakes_below(spec, name)]
    problems += _mistakes_in_groups(spec)
    if not problems:
        names = [target.name for target in all_targets(spec)]
        twice = {name for name in names if names.count(name) > 1}
        problems += [
            Problem(
                f"the name is that of what another image is on a platform: {shown(name)}",
                "rename one of them",
                spec.location("images", name),
            )
            for name in sorted(twice)
        ]
    return problems


def _mistakes_below(spec: BuildSpec, name: str) -> Iterator[Problem]:
    image = spec.images[name]
    for platform in image.per_platform:
        # What all images have in common may be for more platforms than one of them.
        if platform not in (*image.platforms, *spec.defaults.per_platform):
            where = spec.location("images", name, "per-platform", platform)
            message = f"the image is not built for {platform}"
            yield Problem(message, "add it to 'platforms', or remove this", where)
    for path, variant, platforms in (
        ((), image, [p for p in image.platforms if p not in image.per_platform]),
        *(
            (("per-platform", p), v, [p])
            for p, v in image.per_platform.items()
            if p in image.platforms
        ),
    ):
        base = image_below(variant.base)
        if not base or not platforms:
            continue
        where = spec.location("images", name, *path, "base")
        if base not in spec.images:
            hint = nearest(base, spec.images) or f"there is {', '.join(spec.images)}"
            yield Problem(f"no image named {shown(base)}", hint, where)
            continue
        if name in _reach(spec, base):
            yield Problem("an image cannot build on itself", "take another base", where)
            continue
        missing = [p for p in platforms if p not in spec.images[base].platforms]
        if missing:
            message = f"{shown(base)} is not built for {' and '.join(missing)}"
            yield Problem(message, f"add it to images.{base}.platforms", where)
        below = spec.images[base]
        pythons = {below.per_platform.get(p, below).python for p in platforms}
        if pythons != {variant.python}:
            python = spec.location("images", name, *path, "python")
            message = f"{shown(base)}, which it builds on, is for Python {' and '.join(pythons)}"
            yield Problem(message, "set the same 'python' for both", python)
        if variant.build_base:
            yield Problem(
                f"what builds is decided by {shown(base)}, which it builds on",
                f"name it as images.{base}.build-base",
                spec.location("images", name, *path, "build-base"),
            )


def _mistakes_in_groups(spec: BuildSpec) -> Iterator[Problem]:
    for group, names in spec.groups.items():
        if group in spec.images:
            where = spec.location("groups", group)
            yield Problem("an image has this name", "rename the group", where)
        for position, name in enumerate(names):
            if name not in spec.images:
                hint = nearest(name, spec.images) or f"there is {', '.join(spec.images)}"
                where = spec.location("groups", group, position)
                yield Problem(f"no image named {shown(name)}", hint, where)


def _variants(spec: BuildSpec, name: str) -> tuple[Variant, ...]:
    image = spec.images[name]
    return (image, *image.per_platform.values())


def _reach(spec: BuildSpec, name: str) -> set[str]:
    """``name`` and every image that it builds on."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        here = waiting.pop()
        if here in found or here not in spec.images:
            continue
        found.add(here)
        waiting += [base for v in _variants(spec, here) if (base := image_below(v.base))]
    return found
