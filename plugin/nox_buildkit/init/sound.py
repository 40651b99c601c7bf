"""Images whose keys do not contradict each other: the model of the spec knows the rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from nox_buildkit.buildspec.model.grammar import parent_image
from nox_buildkit.buildspec.model.image import Image
from nox_buildkit.init.proposal import ProposedImage

#: Lists that mean something else without one of their items.
_WHOLE = ("command", "entrypoint", "prestart")


def sound(images: Sequence[ProposedImage], notes: list[str]) -> Iterator[ProposedImage]:
    """Yield ``images`` without what contradicts the rest, and say so in ``notes``."""
    platforms = {image.name: image.keys.get("platforms") for image in images}
    for image in images:
        keys = dict(image.keys)
        parent = parent_image(str(keys.get("base", "")))
        if parent and platforms.get(parent) and "platforms" not in keys:
            keys["platforms"] = platforms[parent]
        while refused := _refused(keys):
            path, reason = refused
            _drop(keys, path)
            named = ".".join(map(str, path))
            notes.append(f"{image.name}: {named}: not taken over: {reason}")
        yield replace(image, keys=keys)


def _refused(keys: Mapping[str, Any]) -> tuple[tuple[str | int, ...], str] | None:
    """Return the first key that the model refuses, and why."""
    try:
        Image.model_validate(keys)
    except ValidationError as error:
        first = error.errors()[0]
        cause = first.get("ctx", {}).get("error")
        # Rules over several keys know which of them is wrong.
        path = (*first["loc"], *getattr(cause, "at", ()))
        return path if path and path[0] in keys else tuple(keys)[-1:], str(cause or first["msg"])
    return None


def _drop(keys: dict[str, Any], path: tuple[str | int, ...]) -> None:
    name = str(path[0])
    inside, part = keys[name], path[1] if len(path) > 1 else None
    if isinstance(inside, dict) and part in inside and len(inside) > 1:
        keys[name] = {key: value for key, value in inside.items() if key != part}
    elif isinstance(inside, list) and isinstance(part, int) and name not in _WHOLE:
        keys[name] = [*inside[:part], *inside[part + 1 :]]
    else:
        del keys[name]
