"""Contradictions between the images of a spec, found in linear time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.contradictions import of_image, of_variant
from nox_buildkit.buildspec.model.grammar import parent_image
from nox_buildkit.buildspec.model.image import DEFAULT_TAGS
from nox_buildkit.buildspec.model.targets import all_targets, variants_of
from nox_buildkit.buildspec.model.variant import Variant
from nox_buildkit.buildspec.text import Invalid, listed, nearest, shown
from nox_buildkit.errors import Code, Location, Problem

#: Images on each other. The kernel's overlay takes 128 layers at most, and each image adds some.
MAX_HEIGHT = 100


def mistakes(spec: BuildSpec) -> list[Problem]:
    """Return the contradictions between images."""
    problems = [*_mistakes_in_groups(spec)]
    parents = {name: _parents_of(spec, name) for name in spec.images}
    needed = {name: _needed_by(spec, name) for name in spec.images}
    circles = _circles(needed)
    for name in spec.images:
        problems += _without_platform(spec, name)
        problems += _said(spec, ("images", name), of_image(spec.images[name]))
        for case in _cases(spec, name):
            problems += _said(spec, case.path, of_variant(case.variant))
            problems += _mistakes_of_parent(spec, case, circles, len(problems))
            problems += _mistakes_of_files(spec, case, circles, len(problems))
    if not problems:
        problems += _too_high(spec, parents, ("no engine takes more layers", "base"))
    if not problems:
        problems += _too_high(spec, needed, ("files are taken from one by the next", "files"))
    if not problems:
        problems += _names_twice(spec)
    problems += _published_twice(spec)
    return problems


def _said(spec: BuildSpec, path: tuple[str, ...], found: Iterable[Invalid]) -> Iterator[Problem]:
    for each in found:
        yield Code.CONTRADICTION(each.message, each.hint, spec.location(*path, *each.at))


def _published_twice(spec: BuildSpec) -> Iterator[Problem]:
    """Yield each image that would take a tag of a repository from another one."""
    taken: dict[tuple[str, str], str] = {}
    for name, image in spec.images.items():
        for repository in spec.repositories_of(name):
            for tag in image.tags or DEFAULT_TAGS:
                other = taken.setdefault((repository, tag), name)
                if other != name:
                    where = spec.location("images", name, "repositories")
                    message = f"the tag '{tag}' of {repository} would be that of {other}, too"
                    yield Code.CONTRADICTION(message, "write '{image}' in the repository", where)
                    break


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


def _without_platform(spec: BuildSpec, name: str) -> Iterator[Problem]:
    image = spec.images[name]
    for platform in image.per_platform:
        # What all images have in common may be for more platforms than one of them.
        if platform not in (*image.platforms, *spec.defaults.per_platform):
            where = spec.location("images", name, "per-platform", platform)
            message = f"the image is not built for {platform}"
            yield Code.CONTRADICTION(message, "add it to 'platforms', or remove this", where)


def _mistakes_of_parent(
    spec: BuildSpec, case: _Case, circles: Mapping[str, str], earlier: int
) -> Iterator[Problem]:
    base = parent_image(case.variant.base)
    where = spec.location(*case.path, "base")
    if base is None:
        return
    if base not in spec.images:
        yield _unknown(spec, base, where, earlier)
    elif circles[base] == circles[case.name]:
        yield Code.CONTRADICTION("an image cannot build on itself", "take another base", where)
    else:
        yield from _misfits(spec, case, base)


def _mistakes_of_files(
    spec: BuildSpec, case: _Case, circles: Mapping[str, str], earlier: int
) -> Iterator[Problem]:
    for position, name in case.variant.taken.items():
        where = spec.location(*case.path, "files", position, "from")
        if name not in spec.images:
            yield _unknown(spec, name, where, earlier)
        elif circles[name] == circles[case.name]:
            yield Code.CONTRADICTION(
                f"{shown(name)} is made of this image", "take the file elsewhere", where
            )
        else:
            yield from _without(spec, case, name, where)


def _misfits(spec: BuildSpec, case: _Case, base: str) -> Iterator[Problem]:
    parent = spec.images[base]
    yield from _without(spec, case, base, spec.location(*case.path, "base"))
    # What a spec does not say is chosen by the project and the base.
    variants = [parent.per_platform.get(platform, parent) for platform in case.platforms]
    pythons = {each.python for each in variants if "python" in each.model_fields_set}
    stated = "python" in case.variant.model_fields_set
    if stated and not pythons <= {case.variant.python}:
        message = f"{shown(base)}, which it builds on, is for Python {' and '.join(pythons)}"
        hint = "set the same 'python' for both"
        yield Code.CONTRADICTION(message, hint, spec.location(*case.path, "python"))
    if case.variant.build_base:
        yield Code.CONTRADICTION(
            f"what builds is decided by {shown(base)}, which it builds on",
            f"name it as images.{base}.build-base",
            spec.location(*case.path, "build-base"),
        )


def _without(spec: BuildSpec, case: _Case, name: str, where: Location | None) -> Iterator[Problem]:
    """Yield the problem of an image that is not built for all platforms of what needs it."""
    if missing := [p for p in case.platforms if p not in spec.images[name].platforms]:
        message = f"{shown(name)} is not built for {' and '.join(missing)}"
        yield Code.CONTRADICTION(message, f"add it to images.{name}.platforms", where)


def _names_twice(spec: BuildSpec) -> Iterator[Problem]:
    names = Counter(target.name for target in all_targets(spec))
    for name in sorted(name for name, count in names.items() if count > 1):
        yield Code.CONTRADICTION(
            f"the name is that of what another image is on a platform: {shown(name)}",
            "rename one of them",
            spec.location("images", name),
        )


def _mistakes_in_groups(spec: BuildSpec) -> Iterator[Problem]:
    unknown = 0
    for group, names in spec.groups.items():
        if group in spec.images:
            where = spec.location("groups", group)
            yield Code.CONTRADICTION("an image has this name", "rename the group", where)
        for position, name in enumerate(names):
            if name not in spec.images:
                yield _unknown(spec, name, spec.location("groups", group, position), unknown)
                unknown += 1


def _unknown(spec: BuildSpec, name: str, where: Location | None, earlier: int) -> Problem:
    hint = nearest(name, spec.images, earlier) or f"there is {listed(spec.images)}"
    return Code.UNDEFINED_NAME(f"no image named {shown(name)}", hint, where)


def _parents_of(spec: BuildSpec, name: str) -> tuple[str, ...]:
    """The images that ``name`` builds on itself."""
    bases = (parent_image(variant.base) for _, variant in variants_of(spec, name))
    return tuple(dict.fromkeys(base for base in bases if base in spec.images))


def _needed_by(spec: BuildSpec, name: str) -> tuple[str, ...]:
    """The images that ``name`` builds on, or takes files from."""
    taken = (one for _, variant in variants_of(spec, name) for one in variant.taken.values())
    return tuple(dict.fromkeys((*_parents_of(spec, name), *(n for n in taken if n in spec.images))))


def _too_high(
    spec: BuildSpec, parents: Mapping[str, Sequence[str]], reason: tuple[str, str]
) -> Iterator[Problem]:
    heights: dict[str, int] = {}
    for name in _lowest_first(parents):
        heights[name] = 1 + max((heights[base] for base in parents[name]), default=0)
        if heights[name] == MAX_HEIGHT + 1:
            yield Code.CONTRADICTION(
                f"there are {MAX_HEIGHT} images below this one, and {reason[0]}",
                "put what they have in common into one image",
                spec.location("images", name, reason[1]),
            )


def _circles(parents: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The same value for images that build on each other (Kosaraju's algorithm, linear)."""
    children: dict[str, list[str]] = {name: [] for name in parents}
    for name, bases in parents.items():
        for base in bases:
            children[base].append(name)
    found: dict[str, str] = {}
    for first in reversed(list(_lowest_first(parents))):
        waiting = [first]
        while waiting:
            here = waiting.pop()
            if here not in found:
                found[here] = first
                waiting += children[here]
    return found


def _lowest_first(parents: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """All images, each after those that it builds on, as far as no circle forbids it."""
    seen: set[str] = set()
    for first in parents:
        waiting = [(first, iter(parents[first]))] if first not in seen else []
        seen.add(first)
        while waiting:
            name, bases = waiting[-1]
            base = next((one for one in bases if one not in seen), None)
            if base is None:
                yield name
                waiting.pop()
            else:
                seen.add(base)
                waiting.append((base, iter(parents[base])))
