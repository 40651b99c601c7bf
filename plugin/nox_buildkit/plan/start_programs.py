"""The programs that run before what a container starts, and become it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nox_buildkit.buildspec.model.interpolation import Part, interpolated
from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.buildspec.model.variant import Variant
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.packages import VENV

#: Runs other programs to their end first, in an image that has some.
PRESTART = "/opt/prestart/prestart.py"
#: Puts values of the environment into words, in an image whose commands ask for them.
INTERPOLATE = "/opt/start/interpolate.py"

#: A word, and the pieces that it is made of when a container starts.
Interpolated = tuple[tuple[str, tuple[Part, ...]], ...]


def programs_of(target: Target) -> tuple[tuple[tuple[str, ...], ...], Interpolated]:
    """Return the programs to run before the command of ``target``, and words to be replaced.

    What an image below has of them stays in force by itself, unless this one has more: then it is
    part of what is returned.
    """
    own, prestart = dict(_words(target.variant)), target.variant.prestart
    below = {word: parts for one in target.lineage[1:] for word, parts in _words(one.variant)}
    if not own and not (prestart and below):
        return prestart, ()
    return prestart or _inherited(target), tuple(sorted({**below, **own}.items()))


def entrypoint_of(image: ImagePlan) -> tuple[str, ...] | None:
    """Return the entrypoint of the image's configuration: those programs, and then its own."""
    entrypoint = image.config.entrypoint
    programs = interpolating(image)
    if image.application.prestart:
        programs = (*programs, _python(image), "-I", PRESTART)
    return (*programs, *(entrypoint or ())) if programs else entrypoint


def interpolating(image: ImagePlan) -> tuple[str, ...]:
    """Return the words that come before a command which asks for values; none if none does."""
    return (_python(image), "-IS", INTERPOLATE) if image.application.interpolated else ()


def with_values(image: ImagePlan, command: Sequence[str]) -> tuple[str, ...]:
    """Return a command that is started by itself, such as that of a health check."""
    words = dict(image.application.interpolated)
    if not any(word in words for word in command):
        return tuple(command)
    return (*interpolating(image), *command)


def _python(image: ImagePlan) -> str:
    return f"{VENV}/bin/python" if image.has_environment else "python3"


def _inherited(target: Target) -> tuple[tuple[str, ...], ...]:
    """Return what an image below runs before its command; a stated entrypoint drops that."""
    for one in target.lineage:
        if one.variant.prestart:
            return one.variant.prestart
        if one.variant.entrypoint is not None:
            break
    return ()


def _words(variant: Variant) -> Iterator[tuple[str, tuple[Part, ...]]]:
    yield from interpolated((*(variant.entrypoint or ()), *(variant.command or ())))
    for program in variant.prestart:
        yield from interpolated(program)
    if variant.healthcheck:
        yield from interpolated(variant.healthcheck.test)
