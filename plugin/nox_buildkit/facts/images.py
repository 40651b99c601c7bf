"""Which images one image is made of: its base, what builds for it, what compiles for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nox_buildkit.bases.debian import Contents
from nox_buildkit.bases.presets import Preset, preset
from nox_buildkit.errors import BuildkitError, Location, PlanError, Problem
from nox_buildkit.facts.bases import Bases
from nox_buildkit.plan.facts import BaseFacts
from nox_buildkit.spec.model import BuildSpec, Image

#: Builds for a base that has no shell or no Python, and that nothing better is known of.
_ANY = "docker.io/library/python:{python}-slim"


@dataclass(frozen=True, slots=True)
class Stack:
    """``base`` is under the application; ``builder`` runs build steps, if not the base itself."""

    base: BaseFacts
    builder: BaseFacts | None


def stack_of(name: str, spec: BuildSpec, native: Sequence[str], bases: Bases) -> Stack:
    """The base of the image ``name`` and its builder. Raises PlanError, EngineError."""
    image = spec.images[name]
    platforms = _platforms(image, spec, native)
    # Base debian is assembled with the packages in it.
    key = "apt" if image.base == "debian" and image.apt else "base"
    try:
        if image.base == "debian":
            return Stack(bases.of_debian(image.python, platforms, Contents(image.apt)), None)
        paired = _paired(image)
        base = bases.reference(paired.reference, platforms)
    except BuildkitError as error:
        raise _located(error, spec.location("images", name, key)) from None
    _check(name, image, base, spec)
    if base.builds and not image.build_base and set(native) <= base.platforms:
        return Stack(base, None)
    try:
        builder = _builder(image, paired.builder, native, bases)
    except BuildkitError as error:
        raise _located(error, spec.location("images", name, "build-base")) from None
    return Stack(base, builder)


def compiler_of(
    name: str, spec: BuildSpec, native: Sequence[str], base: BaseFacts, bases: Bases
) -> tuple[BaseFacts | None, tuple[str, ...]]:
    """What compiles packages for ``base``, and the Debian packages to add to it for that.

    None where nothing is known that could. Raises PlanError, EngineError.
    """
    image = spec.images[name]
    platforms = _platforms(image, spec, native)
    try:
        if "debian" in (image.base, image.build_base):
            # Libraries to run with are there to link against, too.
            run_time = image.apt if image.base == "debian" else ()
            contents = Contents(tuple(dict.fromkeys((*run_time, *image.build_apt))), compilers=True)
            return bases.of_debian(image.python, platforms, contents), ()
        found = preset(image.build_base or image.base, image.python)
        if found:
            return bases.pinned(found.compiler), image.build_apt
        if image.build_base:
            return bases.pinned(image.build_base), image.build_apt
        if not base.apt:
            return None, ()
        # An image of Debian's family. Python's headers come with Python, but where it is Debian's.
        headers = ("python3-dev",) if base.interpreter.startswith("/usr/bin/") else ()
        return base, tuple(dict.fromkeys((*_COMPILERS, *headers, *image.build_apt)))
    except BuildkitError as error:
        raise _located(error, spec.location("images", name, "build-apt")) from None


#: As little as most sdists can be compiled with.
_COMPILERS = ("gcc", "g++", "libc6-dev", "make", "pkgconf")


def _paired(image: Image) -> Preset:
    """The references of an image's base; one that is not known compiles for itself."""
    return preset(image.base, image.python) or Preset(
        image.base, _ANY.format(python=image.python), image.base
    )


def _builder(image: Image, paired: str, native: Sequence[str], bases: Bases) -> BaseFacts:
    if image.build_base == "debian":
        return bases.of_debian(image.python, native)
    named = preset(image.build_base, image.python) if image.build_base else None
    builder = bases.reference(named.reference if named else image.build_base or paired, native)
    if not builder.builds and set(native) & builder.platforms:
        raise PlanError(
            Problem(
                f"'{builder.name}' has no shell or no Python, so nothing can be built in it",
                "name another image as 'build-base'",
            )
        )
    if builder.builds and builder.python != image.python:
        raise PlanError(
            Problem(
                f"'{builder.name}', which builds for this base, has Python {builder.python}, and "
                f"the image Python {image.python}",
                "name an image with the same Python as 'build-base'",
            )
        )
    return builder


def _check(name: str, image: Image, base: BaseFacts, spec: BuildSpec) -> None:
    """Refuse a base with another Python than the lock is for, and packages that it cannot get."""
    if base.libc is None:
        # It exists for none of the platforms, which is told with everything else.
        return
    if not base.python:
        raise PlanError(
            Problem(
                f"base '{base.name}' has no Python",
                f"take one that has, such as 'slim' or 'python:{image.python}-slim'",
                spec.location("images", name, "base"),
            )
        )
    if base.python != image.python:
        raise PlanError(
            Problem(
                f"base '{base.name}' has Python {base.python}, and the image is for "
                f"Python {image.python}",
                f"set 'python' to '{base.python}', or take another base",
                spec.location("images", name, "base"),
            )
        )
    if image.apt and not base.apt:
        raise PlanError(
            Problem(
                f"Debian packages cannot be added to base '{base.name}': it has no apt-get",
                "take base 'debian' or 'slim', or a base that has them",
                spec.location("images", name, "apt"),
            )
        )


def _platforms(image: Image, spec: BuildSpec, native: Sequence[str]) -> list[str]:
    # For all images at once, so that a base is the same whichever of them is asked for.
    sharing = [i for i in spec.images.values() if (i.base, i.python) == (image.base, image.python)]
    return sorted({*native, *(p for i in sharing for p in i.platforms)})


def _located(error: BuildkitError, location: Location | None) -> BuildkitError:
    problems = (Problem(p.message, p.hint, p.location or location) for p in error.problems)
    return type(error)(*problems)
