"""Images of the code, with what other files state in its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nox_buildkit.buildspec.model.grammar import DEFAULT_PLATFORMS
from nox_buildkit.init.django import SETTINGS
from nox_buildkit.init.moved import moved
from nox_buildkit.init.ports import port_of
from nox_buildkit.init.proposal import ProposedImage, serving
from nox_buildkit.init.stated import WORKDIR, Stated, accepted

_START = ("entrypoint", "command", "prestart")
#: What code needs beside its command; the rest is decided by whoever states a command.
_OF_CODE = ("apt", "directories", "env", "expose", "steps", "writable-workdir")


def with_dockerfile(
    images: Sequence[ProposedImage], name: str, stated: Stated
) -> Iterator[ProposedImage]:
    """Yield ``images`` with what the Dockerfile of all of them says.

    What serves starts as it says.
    """
    first = serving(images, name)
    besides = {k: v for k, v in stated.keys.items() if k not in (*_START, "expose", "healthcheck")}
    for image in images or (None,):
        yield _with(image, name, stated if image is first else replace(stated, keys=besides))


def _with(image: ProposedImage | None, name: str, stated: Stated) -> ProposedImage:
    """Return ``image`` with what a Dockerfile says in its place."""
    keys: dict[str, Any] = dict(image.keys) if image else {}
    starts = any(key in stated.keys for key in _START)
    if starts:
        keys = {key: value for key, value in keys.items() if key in _OF_CODE}
        # What it starts names its settings itself.
        keys |= {"env": {k: v for k, v in keys.get("env", {}).items() if k != SETTINGS}}
        port = port_of(_words(stated.keys))
        if port and "expose" in keys:
            # The code was taken to listen to the usual one.
            keys["expose"] = [port]
        if not any("collectstatic" in text for text in stated.ran):
            keys.pop("steps", None)
    if "steps" in keys:
        keys["steps"] = [_without(step, stated.keys.get("env", {})) for step in keys["steps"]]
    # Code names the folder that is the default.
    merged = over(moved(keys, WORKDIR, stated.keys.get("workdir", WORKDIR)), stated.keys)
    why = "As the Dockerfile has it." if starts or not image else image.why
    return ProposedImage(image.name if image else name, why, merged)


def _words(keys: Mapping[str, Any]) -> list[str]:
    """Return the words of the start, with those in the text of a shell."""
    stated = (*keys.get("entrypoint", ()), *keys.get("command", ()))
    return [word for text in stated for word in text.split()]


def _without(step: Mapping[str, Any], stated: Mapping[str, str]) -> dict[str, Any]:
    """Return a step without variables that the image has."""
    env = {k: v for k, v in step.get("env", {}).items() if k not in stated}
    return {k: v for k, v in step.items() if k != "env"} | ({"env": env} if env else {})


def with_service(
    image: ProposedImage, stated: Mapping[str, Any], where: str, notes: list[str]
) -> ProposedImage:
    """Return ``image`` as a compose or bake file starts it, which has the last word."""
    keys: dict[str, Any] = dict(image.keys)
    known: dict[str, Any] = {}
    for key, value, refused in accepted(stated, {}):
        if refused:
            notes.append(f"{where}: {refused}")
        elif value:
            known[key] = value
    if known.get("platforms") == list(DEFAULT_PLATFORMS):
        known.pop("platforms")
    if "workdir" in known and known["workdir"] != keys.get("workdir", WORKDIR):
        notes.append(f"{where}: working_dir {known.pop('workdir')}: the sources are elsewhere")
    if "entrypoint" in known:
        keys = {key: value for key, value in keys.items() if key not in _START}
    elif "command" in known:
        keys.pop("prestart", None)
    return ProposedImage(image.name, image.why, over(keys, known), image.requirements)


def over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return keys over others; variables and folders are joined."""
    merged = {**below, **above}
    for key in ("env", "labels", "args"):
        if key in below and key in above:
            merged[key] = {**below[key], **above[key]}
    for key in ("directories", "volumes", "apt"):
        if key in below and key in above:
            merged[key] = list(dict.fromkeys([*below[key], *above[key]]))
    return merged
