"""Keys of an image as another file states them, and what that file says besides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nox_buildkit.buildspec.model.contradictions import of_whole
from nox_buildkit.buildspec.model.image import Image
from nox_buildkit.init.acceptable import refused

#: Where the sources are if nobody says another place.
WORKDIR = "/app"
#: All extras or groups that a project has.
ALL = "*"


@dataclass(slots=True)
class Stated:
    """Keys of a buildspec; ``notes``: what was not taken over, and doubts.

    ``files``, ``extras``, ``groups``: of the requirements; ``base``: what the
    image begins with; ``ran``: programs of the application, which were run in the build;
    ``moved``: the folder of the system that ``WORKDIR`` takes the place of; ``inside``: the folder
    of the sources that commands are stated for.
    """

    keys: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    extras: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    base: str = ""
    moved: str = ""
    inside: str = ""


def accepted(keys: Mapping[str, Any], where: Mapping[str, str]) -> Iterator[tuple[str, Any, str]]:
    """Yield each key with what a buildspec takes of its value, and why something was left out.

    ``where``: the place of a key, for the reason.
    """
    for key, value in keys.items():
        if isinstance(value, list) and key not in ("command", "entrypoint"):
            parts = [(part, _refusal(key, [part])) for part in value]
            yield key, [part for part, reason in parts if not reason], ""
            yield from ((key, None, _reason(where, key, part, r)) for part, r in parts if r)
        elif isinstance(value, dict) and key in ("env", "labels", "args"):
            pairs = {k: (v, _refusal(key, {k: v})) for k, v in value.items()}
            yield key, {k: v for k, (v, reason) in pairs.items() if not reason}, ""
            yield from ((key, None, _reason(where, key, k, r)) for k, (_, r) in pairs.items() if r)
        elif reason := _refusal(key, value):
            yield key, None, _reason(where, key, value, reason)
        else:
            yield key, value, ""


def _refusal(key: str, value: object) -> str:
    """Return why the model refuses ``value``."""
    needed = {"command": ["x"]} if key == "prestart" else {}
    wrong = refused(Image, {**needed, key: value}, of_whole)
    return wrong[1] if wrong else ""


def _reason(where: Mapping[str, str], key: str, value: object, reason: str) -> str:
    return f"{where.get(key, '')}{key} {value}: not taken over: {reason}"
