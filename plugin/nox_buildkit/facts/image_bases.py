"""The images that an image is made with: base, builder, compiler, and base of its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nox_buildkit.bases.assembled_bases import BaseContents
from nox_buildkit.bases.presets import COMPILERS, Preset, preset
from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.buildspec.model.variant import Variant
from nox_buildkit.errors import Code, NoxBuildkitError, PlanError
from nox_buildkit.facts.base_images import Bases
from nox_buildkit.plan.base import PlannedImage
from nox_buildkit.plan.facts import BaseFacts, InspectedBase, PinnedBase

#: Builds for a base that has no shell or no Python, and that nothing better is known of.
_ANY = "docker.io/library/python:{python}-slim"


@dataclass(frozen=True, slots=True)
class Scope:
    """The work of one run: ``targets``, on machines of the platforms ``native``.

    ``platforms``: those that were asked for; empty: all of each target.
    """

    native: tuple[str, ...]
    targets: tuple[Target, ...]
    platforms: tuple[str, ...] = ()

    def of(self, target: Target) -> list[str]:
        """Return the platforms that the base of ``target`` is needed for."""
        # For all images at once, so that they have the same base.
        base = (target.variant.base, target.variant.python)
        sharing = [t for t in self.targets if (t.variant.base, t.variant.python) == base]
        built = {platform for each in sharing for platform in each.platforms}
        return sorted({*self.native, *(built & set(self.platforms) if self.platforms else built)})


@dataclass(frozen=True, slots=True)
class Stack:
    """``base`` is under the application; ``builder`` runs build steps, if not the base itself."""

    base: BaseFacts
    builder: BaseFacts | None


def stack_of(target: Target, scope: Scope, bases: Bases) -> Stack:
    """The base of ``target`` and its builder. Raises PlanError, EngineError."""
    stack = _stack(target.root, scope, bases)
    _check(target, stack.base)
    if not target.parent:
        return stack
    # What builds on another target is built by what builds that one.
    base = replace(
        stack.base,
        name=target.variant.base,
        source=PlannedImage(target.parent.image),
        digest="",
    )
    if isinstance(base, InspectedBase):
        base = replace(base, warnings=())
    return Stack(base, stack.builder or stack.base)


def _stack(target: Target, scope: Scope, bases: Bases) -> Stack:
    image = target.variant
    platforms = scope.of(target)
    # Base debian is assembled with the packages in it.
    key = "apt" if image.base == "debian" and image.apt else "base"
    try:
        if image.base == "debian":
            return Stack(bases.of_debian(image.python, platforms, BaseContents(image.apt)), None)
        paired = _paired(image)
        base = bases.reference(paired.reference, platforms)
    except NoxBuildkitError as error:
        places = target.locations("apt")
        raise error.placed(places).located(target.location(key)) from None
    if not isinstance(base, InspectedBase):
        # It exists for none of the platforms, which is reported with everything else.
        return Stack(base, None)
    if base.builds and not image.build_base and set(scope.native) <= base.platforms:
        return Stack(base, None)
    try:
        builder = _builder(image, paired.builder, scope.native, bases)
    except NoxBuildkitError as error:
        raise error.located(target.location("build-base")) from None
    return Stack(base, builder)


def compiler_of(
    target: Target, scope: Scope, bases: Bases
) -> tuple[BaseFacts | None, tuple[str, ...]]:
    """Return the image that compiles packages for ``target``, and Debian packages to add to it.

    None where nothing is known that could. Raises PlanError, EngineError.
    """
    image, build_apt = target.root.variant, target.build_apt
    platforms = scope.of(target.root)
    try:
        if "debian" in (image.base, image.build_base):
            # Libraries to run with are there to link against, too.
            run_time = image.apt if image.base == "debian" else ()
            contents = BaseContents(tuple(dict.fromkeys((*run_time, *build_apt))), compilers=True)
            return bases.of_debian(image.python, platforms, contents), ()
        found = preset(image.build_base or image.base, image.python)
        if found:
            names = (*found.compiler_apt, *build_apt)
            return bases.pinned(found.compiler), tuple(dict.fromkeys(names))
        if image.build_base:
            return bases.pinned(image.build_base), build_apt
        base = bases.reference(image.base, platforms)
        if not (isinstance(base, InspectedBase) and base.apt):
            return None, ()
        # An image of Debian's family. Python's headers come with Python, but where it is Debian's.
        headers = ("python3-dev",) if base.interpreter.startswith("/usr/bin/") else ()
        return base, tuple(dict.fromkeys((*COMPILERS, *headers, *build_apt)))
    except NoxBuildkitError as error:
        places = target.locations("apt") | target.locations("build-apt")
        raise error.placed(places).located(target.location("build-apt")) from None


def step_base_of(
    target: Target, stack: Stack, scope: Scope, bases: Bases
) -> tuple[InspectedBase | None, tuple[str, ...]]:
    """Return the base that runs the steps of ``target``, if they need one of their own.

    And the Debian packages that are added where steps run. Raises PlanError, EngineError.
    """
    image, names = target.variant, target.variant.steps_apt
    builder = stack.builder or stack.base
    if not names or not isinstance(builder, InspectedBase):
        return None, ()
    if builder.apt:
        return None, names
    root = target.root.variant
    try:
        if "debian" in (root.base, root.build_base):
            # Packages that the image runs with are present for its steps, too.
            run_time = root.apt if root.base == "debian" else ()
            contents = BaseContents(tuple(dict.fromkeys((*run_time, *names))))
            return bases.of_debian(image.python, scope.native, contents), ()
    except NoxBuildkitError as error:
        places = target.locations("apt") | target.locations("steps-apt")
        raise error.placed(places).located(target.location("steps-apt")) from None
    message = f"Debian packages cannot be added to '{builder.name}', which runs steps: no apt-get"
    hint = "take base 'debian' or 'slim', or a 'build-base' that has them"
    raise PlanError(Code.BASE(message, hint, target.location("steps-apt")))


def taken_images(target: Target, bases: Bases) -> dict[str, BaseFacts]:
    """Return the images that files of ``target`` are taken from. Raises EngineError, PlanError."""
    found: dict[str, BaseFacts] = {}
    for position, file in enumerate(target.variant.files):
        name = file.from_
        if not name or name in found:
            continue
        if planned := target.variant.taken.get(position):
            platforms = frozenset(target.spec.images[planned].platforms)
            source = PlannedImage(planned)
            found[name] = PinnedBase(name=name, source=source, digest="", platforms=platforms)
            continue
        try:
            found[name] = bases.pinned(name)
        except NoxBuildkitError as error:
            raise error.located(target.location("files", position, "from")) from None
    return found


def _paired(image: Variant) -> Preset:
    """The references of an image's base; one that is not known compiles for itself."""
    return preset(image.base, image.python) or Preset(
        image.base, _ANY.format(python=image.python), image.base
    )


def _builder(image: Variant, paired: str, native: Sequence[str], bases: Bases) -> BaseFacts:
    if image.build_base == "debian":
        return bases.of_debian(image.python, native)
    named = preset(image.build_base, image.python) if image.build_base else None
    builder = bases.reference(named.reference if named else image.build_base or paired, native)
    if not isinstance(builder, InspectedBase):
        return builder
    if not builder.builds:
        raise PlanError(
            Code.BASE(
                f"'{builder.name}' has no shell or no Python, so nothing can be built in it",
                "name another image as 'build-base'",
            )
        )
    if builder.python != image.python:
        raise PlanError(
            Code.BASE(
                f"'{builder.name}', which builds for this base, has Python {builder.python}, and "
                f"the image Python {image.python}",
                "name an image with the same Python as 'build-base'",
            )
        )
    return builder


def _check(target: Target, base: BaseFacts) -> None:
    """Refuse a base with another Python than the lock is for, and packages that it cannot get."""
    image = target.variant
    if not isinstance(base, InspectedBase):
        return
    if not base.python:
        raise PlanError(
            Code.BASE(
                f"base '{base.name}' has no Python",
                f"take one that has, such as 'slim' or 'python:{image.python}-slim'",
                target.location("base"),
            )
        )
    if base.python != image.python:
        raise PlanError(
            Code.BASE(
                f"base '{base.name}' has Python {base.python}, and the image is for "
                f"Python {image.python}",
                f"set 'python' to '{base.python}', or take another base",
                target.location("base"),
            )
        )
    # Base debian is assembled with the packages in it, those of the targets on it are too late.
    if image.apt and not base.apt and image.base != "debian":
        raise PlanError(
            Code.BASE(
                f"Debian packages cannot be added to base '{base.name}': it has no apt-get",
                f"name them in images.{target.root.image}.apt"
                if target.parent
                else "take base 'debian' or 'slim', or a base that has them",
                target.location("apt"),
            )
        )
