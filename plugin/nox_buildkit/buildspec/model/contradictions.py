"""Keys of one image that contradict each other, found once it is complete."""

from __future__ import annotations

from collections.abc import Iterator

from nox_buildkit.buildspec.model import grammar, interpolation
from nox_buildkit.buildspec.model.image import DEFAULT_TAGS, Image
from nox_buildkit.buildspec.model.variant import Variant
from nox_buildkit.buildspec.text import Invalid, shown


def of_whole(image: Image) -> Iterator[Invalid]:
    """Yield all contradictions of an image that is the same on all of its platforms."""
    yield from of_image(image)
    yield from of_variant(image)


def of_image(image: Image) -> Iterator[Invalid]:
    """Yield the contradictions between keys that an image has for all of its platforms."""
    if image.attest.vex and not image.sign:
        message = "VEX documents are signed, and nobody is named who signs"
        yield Invalid(message, "add 'sign'", at=("attest", "vex"))
    for position, tag in enumerate(image.immutable_tags):
        if tag not in (image.tags or DEFAULT_TAGS):
            message = f"{shown(tag)} is none of the 'tags'"
            yield Invalid(message, "add it there", at=("immutable-tags", position))


def of_variant(variant: Variant) -> Iterator[Invalid]:
    """Yield the contradictions between keys that an image has on some of its platforms."""
    # What another image of the spec starts is known when that is.
    if variant.prestart and not variant.command and not grammar.parent_image(variant.base):
        message = "there is no 'command' that it could come before"
        yield Invalid(message, "add one", at=("prestart",))
    if variant.steps_apt and not variant.steps:
        message = "these packages are for 'steps', and there are none"
        yield Invalid(message, "add 'steps', or name them in 'apt'", at=("steps-apt",))
    for name in variant.args:
        if name in variant.env:
            message = f"{shown(name)} is in 'env', which wins over a build argument"
            yield Invalid(message, "remove one", at=("args", name))
    yield from _variables(variant)
    targets = [file.target for file in variant.files]
    for position, target in enumerate(targets):
        if target in targets[:position]:
            at = ("files", position, "target")
            yield Invalid(f"two files have the target {shown(target)}", "remove one", at=at)


def _variables(variant: Variant) -> Iterator[Invalid]:
    entrypoint, command = variant.entrypoint or (), variant.command or ()
    if interpolation.asks((*entrypoint, *command)):
        yield from interpolation.mistakes(entrypoint, ("entrypoint",))
        yield from interpolation.mistakes(command, ("command",))
    for number, program in enumerate(variant.prestart):
        yield from interpolation.mistakes(program, ("prestart", number))
    if variant.healthcheck:
        yield from interpolation.mistakes(variant.healthcheck.test, ("healthcheck", "test"))
