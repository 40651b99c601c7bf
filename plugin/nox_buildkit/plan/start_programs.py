"""The programs that run before what a container starts, and become it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nox_buildkit.buildspec.model.interpolation import Part, interpolated
from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.buildspec.model.variant import Variant
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.packages import VENV

#: Becomes the user that the environment names, in an image that starts as root.
BECOME = "/opt/start/become.py"
#: Runs other programs to their end first, in an image that has some.
PRESTART = "/opt/prestart/prestart.py"
#: Puts values of the environment into words, in an image whose commands ask for them.
INTERPOLATE = "/opt/start/interpolate.py"

#: A word, and the pieces that it is made of when a container starts.
Interpolated = tuple[tuple[str, tuple[Part, ...]], ...]


@dataclass(frozen=True, slots=True)
class StartPrograms:
    """All that comes before the command of a container.

    ``becomes``: the IDs of its user, where it starts as root; ``interpolated``: words with values
    of the environment; ``prestart``: programs that run to their end.
    """

    becomes: str = ""
    interpolated: Interpolated = ()
    prestart: tuple[tuple[str, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.becomes or self.interpolated or self.prestart)


def programs_of(target: Target) -> StartPrograms:
    """Return what comes before the command of ``target``.

    What an image below has of it stays in force by itself, unless this one has more: then it is
    part of what is returned.
    """
    variant = target.variant
    own, prestart = dict(_words(variant)), variant.prestart
    # Who gives root up is never left to an image below: its program knows other folders.
    if not own and not prestart and not target.becomes:
        return StartPrograms()
    below = {word: parts for one in target.lineage[1:] for word, parts in _words(one.variant)}
    words = tuple(sorted({**below, **own}.items()))
    return StartPrograms(target.becomes, words, prestart or _inherited(target))


def entrypoint_of(image: ImagePlan) -> tuple[str, ...] | None:
    """Return the entrypoint of the image's configuration: those programs, and then its own."""
    entrypoint = image.config.entrypoint
    programs = (*_becoming(image), *_interpolating(image))
    if image.application.prestart:
        programs = (*programs, _python(image), "-I", PRESTART)
    return (*programs, *(entrypoint or ())) if programs else entrypoint


def health_check_of(image: ImagePlan, test: Sequence[str]) -> tuple[str, ...]:
    """Return the ``test`` of a health check, which engines start as they start the image."""
    return (*_becoming(image), *with_values(image, test))


def with_values(image: ImagePlan, command: Sequence[str]) -> tuple[str, ...]:
    """Return a command after the program that puts values into it, if it asks for some."""
    words = dict(image.application.interpolated)
    if not any(word in words for word in command):
        return tuple(command)
    return (*_interpolating(image), *command)


def _becoming(image: ImagePlan) -> tuple[str, ...]:
    return (_python(image), "-IS", BECOME) if image.application.becomes else ()


def _interpolating(image: ImagePlan) -> tuple[str, ...]:
    return (_python(image), "-IS", INTERPOLATE) if image.application.interpolated else ()


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
