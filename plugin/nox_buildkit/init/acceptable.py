"""Keys that a model of the spec accepts: it knows the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from nox_buildkit.buildspec.text import Invalid

#: Lists that mean something else without one of their items.
_WHOLE = ("command", "entrypoint", "prestart")


M = TypeVar("M", bound=BaseModel)


def acceptable(
    model: type[M],
    stated: Mapping[str, Any],
    contradictions: Callable[[M], Iterable[Invalid]] = lambda _: (),
) -> tuple[dict[str, Any], list[str]]:
    """Return those of the keys that ``model`` accepts, and why it refuses others.

    ``contradictions``: between keys that it accepts.
    """
    keys, notes = dict(stated), []
    while keys and (wrong := refused(model, keys, contradictions)):
        path, reason = wrong
        _drop(keys, path)
        notes.append(f"{'.'.join(map(str, path))}: not taken over: {reason}")
    return keys, notes


def refused(
    model: type[M], keys: Mapping[str, Any], contradictions: Callable[[M], Iterable[Invalid]]
) -> tuple[tuple[str | int, ...], str] | None:
    """Return the first key that the model refuses, and why."""
    try:
        found = model.model_validate(keys)
    except ValidationError as error:
        first = error.errors()[0]
        cause = first.get("ctx", {}).get("error")
        path = (*first["loc"], *getattr(cause, "at", ()))
        return path if path and path[0] in keys else tuple(keys)[-1:], str(cause or first["msg"])
    wrong = next(iter(contradictions(found)), None)
    return (wrong.at, str(wrong)) if wrong else None


def _drop(keys: dict[str, Any], path: tuple[str | int, ...]) -> None:
    name = str(path[0])
    inside, part = keys[name], path[1] if len(path) > 1 else None
    if isinstance(inside, dict) and part in inside and len(inside) > 1:
        keys[name] = {key: value for key, value in inside.items() if key != part}
    elif isinstance(inside, list) and isinstance(part, int) and name not in _WHOLE:
        keys[name] = [*inside[:part], *inside[part + 1 :]]
    else:
        del keys[name]
