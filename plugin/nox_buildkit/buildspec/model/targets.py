"""Targets of an image: one for each group of platforms on which it is the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.grammar import parent_image
from nox_buildkit.buildspec.model.variant import Variant
from nox_buildkit.errors import Location


@dataclass(frozen=True, slots=True)
class Target:
    """The image ``image`` on ``platforms``; ``name`` is unique among targets.

    ``parent``: the target of the same spec that it builds on.
    """

    name: str
    image: str
    platforms: tuple[str, ...] = field(compare=False)
    variant: Variant = field(compare=False)
    parent: Target | None = field(compare=False)
    spec: BuildSpec = field(compare=False)
    path: tuple[str, ...] = field(compare=False)

    def location(self, *key: str | int) -> Location | None:
        """Return the place of the value of a key."""
        return self.spec.location(*self.path, *key)

    def locations(self, key: str) -> dict[str, Location]:
        """Return the place of each value of a list, those of its ancestors included."""
        attribute = key.replace("-", "_")
        stated = {
            value: one.location(key, position)
            for one in reversed(self.lineage)
            for position, value in enumerate(getattr(one.variant, attribute))
        }
        return {value: location for value, location in stated.items() if location}

    @property
    def user(self) -> str:
        """The user that its containers start as: ``uid[:gid]`` or a name."""
        user = self._stating("user").user
        if isinstance(user, str):
            return user
        return "0:0" if user.from_environment else user.ids

    @property
    def becomes(self) -> str:
        """The IDs of the user that its containers become, if they start as root."""
        user = self._stating("user").user
        return "" if isinstance(user, str) or not user.from_environment else user.ids

    @property
    def account(self) -> str:
        """The name that the user of its containers gets with its ID; empty if none is stated."""
        user = self._stating("user").user
        return "" if isinstance(user, str) else user.name

    @property
    def workdir(self) -> str:
        """The working folder of its containers."""
        return self._stating("workdir").workdir

    def _stating(self, key: str) -> Variant:
        """The nearest that states ``key``, which is inherited like by a Dockerfile's FROM."""
        stating = (one for one in self.lineage if key in one.variant.model_fields_set)
        return next(stating, self.root).variant

    @property
    def build_apt(self) -> tuple[str, ...]:
        """Debian packages that compiling takes, for itself and for its steps."""
        # What is compiled for steps may be a package of what it builds on.
        lineage = self.lineage if self.variant.steps else (self,)
        return tuple(dict.fromkeys(name for one in lineage for name in one.variant.build_apt))

    @property
    def lineage(self) -> tuple[Target, ...]:
        """The target, its parent, and so on to the root."""
        return (self, *(self.parent.lineage if self.parent else ()))

    @property
    def root(self) -> Target:
        """The one at the bottom, whose base is not of this spec."""
        return self.lineage[-1]


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
    for platform, variant in variants_of(spec, name):
        own = platform if platform in spec.images[name].per_platform else ""
        base = parent_image(variant.base)
        targets = targets_of(spec, base, known) if base else ()
        parent = next((target for target in targets if platform in target.platforms), None)
        groups.setdefault((own, parent), []).append(platform)
    image = spec.images[name]
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    known[name] = tuple(
        Target(
            name=name if not position else f"{name}-{platforms[0].replace('/', '-')}",
            image=name,
            platforms=tuple(platforms),
            variant=image.per_platform.get(own, image),
            parent=parent,
            spec=spec,
            path=("images", name, *(("per-platform", own) if own else ())),
        )
        for position, ((own, parent), platforms) in enumerate(ordered)
    )
    return known[name]


def all_targets(spec: BuildSpec) -> Iterator[Target]:
    """The targets of all images."""
    known: dict[str, tuple[Target, ...]] = {}
    for name in spec.images:
        yield from targets_of(spec, name, known)


def with_ancestors(
    spec: BuildSpec, names: Iterable[str], platforms: Collection[str] = ()
) -> tuple[str, ...]:
    """Return ``names`` and all images that they are made of, each after its own.

    ``platforms``: those that are asked for; none: all.
    """
    found: dict[str, None] = {}

    def add(name: str) -> None:
        for platform, variant in variants_of(spec, name):
            if platforms and platform not in platforms:
                continue
            for needed in filter(None, (parent_image(variant.base), *variant.taken.values())):
                if needed not in found:
                    add(needed)
        found[name] = None

    for name in names:
        add(name)
    return tuple(found)


def variants_of(spec: BuildSpec, name: str) -> Iterator[tuple[str, Variant]]:
    """Yield each platform of the image, and the image as it is there."""
    image = spec.images[name]
    for platform in image.platforms:
        yield platform, image.per_platform.get(platform, image)
