"""What an image is made of: a target for each group of platforms on which it is the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
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
        """The user of its containers."""
        return self._stating("user").user

    @property
    def workdir(self) -> str:
        """The working folder of its containers."""
        return self._stating("workdir").workdir

    def _stating(self, key: str) -> Variant:
        """The nearest that states ``key``, which is inherited like by a Dockerfile's FROM."""
        stating = (one for one in self.chain if key in one.variant.model_fields_set)
        return next(stating, self.root).variant

    @property
    def build_apt(self) -> tuple[str, ...]:
        """Debian packages that compiling takes, for itself and for its steps."""
        # What is compiled for steps may be a package of what it builds on.
        chain = self.chain if self.variant.steps else (self,)
        return tuple(dict.fromkeys(name for one in chain for name in one.variant.build_apt))

    @property
    def chain(self) -> tuple[Target, ...]:
        """It, what it builds on, and so on to the root."""
        return (self, *(self.below.chain if self.below else ()))

    @property
    def root(self) -> Target:
        """The one at the bottom, whose base is not of this spec."""
        return self.chain[-1]


def targets_of(
    spec: BuildSpec, name: str, known: dict[str, tuple[Target, ...]] | None = None
) -> tuple[Target, ...]:
    """The targets of the image ``name``, which has each of its platforms in one of them.

    The first has most platforms: bake wants those of what is used to be among those of its user.
    ``known``: targets that were made before, and where these go.
    """
    known = {} if known is None else known
    if name in known:
        return known[name]
    groups: dict[tuple[str, Target | None], list[str]] = {}
    for platform, variant in _variants(spec, name):
        own = platform if platform in spec.images[name].per_platform else ""
        base = image_below(variant.base)
        under = targets_of(spec, base, known) if base else ()
        below = next((target for target in under if platform in target.platforms), None)
        groups.setdefault((own, below), []).append(platform)
    image = spec.images[name]
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    known[name] = tuple(
        Target(
            name=name if not position else f"{name}-{platforms[0].replace('/', '-')}",
            image=name,
            platforms=tuple(platforms),
            variant=image.per_platform.get(own, image),
            below=below,
            spec=spec,
            path=("images", name, *(("per-platform", own) if own else ())),
        )
        for position, ((own, below), platforms) in enumerate(ordered)
    )
    return known[name]


def all_targets(spec: BuildSpec) -> Iterator[Target]:
    """The targets of all images."""
    known: dict[str, tuple[Target, ...]] = {}
    for name in spec.images:
        yield from targets_of(spec, name, known)


def with_images_below(
    spec: BuildSpec, names: Iterable[str], platforms: Collection[str] = ()
) -> tuple[str, ...]:
    """``names`` and all images that they build on, each after those.

    ``platforms``: those that are asked for; none: all.
    """
    found: dict[str, None] = {}

    def add(name: str) -> None:
        for platform, variant in _variants(spec, name):
            base = image_below(variant.base)
            if base and base not in found and (not platforms or platform in platforms):
                add(base)
        found[name] = None

    for name in names:
        add(name)
    return tuple(found)


def mistakes(spec: BuildSpec) -> list[Problem]:
    """What does not fit together between images."""
    problems = [*_mistakes_in_groups(spec)]
    for name in spec.images:
        problems += _without_platform(spec, name)
        for case in _cases(spec, name):
            problems += _mistakes_below(spec, case)
    if not problems:
        problems += _names_twice(spec)
    return problems


@dataclass(frozen=True, slots=True)
class _Case:
    """An image as it is on some of its platforms."""

    name: str
    path: tuple[str, ...]
    variant: Variant
    platforms: tuple[str, ...]


def _cases(spec: BuildSpec, name: str) -> Iterator[_Case]:
    image = spec.images[name]
    rest = tuple(p for p in image.platforms if p not in image.per_platform)
    if rest:
        yield _Case(name, ("images", name), image, rest)
    for platform, variant in image.per_platform.items():
        if platform in image.platforms:
            path = ("images", name, "per-platform", platform)
            yield _Case(name, path, variant, (platform,))


def _variants(spec: BuildSpec, name: str) -> Iterator[tuple[str, Variant]]:
    """What the image is on each of its platforms."""
    image = spec.images[name]
    for platform in image.platforms:
        yield platform, image.per_platform.get(platform, image)


def _without_platform(spec: BuildSpec, name: str) -> Iterator[Problem]:
    image = spec.images[name]
    for platform in image.per_platform:
        # What all images have in common may be for more platforms than one of them.
        if platform not in (*image.platforms, *spec.defaults.per_platform):
            where = spec.location("images", name, "per-platform", platform)
            message = f"the image is not built for {platform}"
            yield Problem(message, "add it to 'platforms', or remove this", where)


def _mistakes_below(spec: BuildSpec, case: _Case) -> Iterator[Problem]:
    base = image_below(case.variant.base)
    where = spec.location(*case.path, "base")
    if base is None:
        return
    if base not in spec.images:
        yield _unknown(spec, base, where)
    elif case.name in _reach(spec, base):
        yield Problem("an image cannot build on itself", "take another base", where)
    else:
        yield from _misfits(spec, case, base)


def _misfits(spec: BuildSpec, case: _Case, base: str) -> Iterator[Problem]:
    below = spec.images[base]
    missing = [p for p in case.platforms if p not in below.platforms]
    if missing:
        message = f"{shown(base)} is not built for {' and '.join(missing)}"
        hint = f"add it to images.{base}.platforms"
        yield Problem(message, hint, spec.location(*case.path, "base"))
    pythons = {below.per_platform.get(p, below).python for p in case.platforms}
    if pythons != {case.variant.python}:
        message = f"{shown(base)}, which it builds on, is for Python {' and '.join(pythons)}"
        hint = "set the same 'python' for both"
        yield Problem(message, hint, spec.location(*case.path, "python"))
    if case.variant.build_base:
        yield Problem(
            f"what builds is decided by {shown(base)}, which it builds on",
            f"name it as images.{base}.build-base",
            spec.location(*case.path, "build-base"),
        )


def _names_twice(spec: BuildSpec) -> Iterator[Problem]:
    names = [target.name for target in all_targets(spec)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(
            f"the name is that of what another image is on a platform: {shown(name)}",
            "rename one of them",
            spec.location("images", name),
        )


def _mistakes_in_groups(spec: BuildSpec) -> Iterator[Problem]:
    for group, names in spec.groups.items():
        if group in spec.images:
            where = spec.location("groups", group)
            yield Problem("an image has this name", "rename the group", where)
        for position, name in enumerate(names):
            if name not in spec.images:
                yield _unknown(spec, name, spec.location("groups", group, position))


def _unknown(spec: BuildSpec, name: str, where: Location | None) -> Problem:
    hint = nearest(name, spec.images) or f"there is {', '.join(spec.images)}"
    return Problem(f"no image named {shown(name)}", hint, where)


def _reach(spec: BuildSpec, name: str) -> set[str]:
    """``name`` and every image that it builds on."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        here = waiting.pop()
        if here in found or here not in spec.images:
            continue
        found.add(here)
        bases = (image_below(variant.base) for _, variant in _variants(spec, here))
        waiting += filter(None, bases)
    return found
