"""Bases that have a name: where they are, and the bigger images that build for them.

Sources: the descriptions of the official image ``python``, of GoogleContainerTools/distroless and
of Chainguard's ``python``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nox_buildkit.errors import PlanError, Problem
from nox_buildkit.references import repository_of

_OFFICIAL = "docker.io/library/python"


@dataclass(frozen=True, slots=True)
class Preset:
    """References of images, ``{python}`` to be filled in.

    ``builder``: where build steps run if the base itself has no shell or no Python;
    ``compiler``: what has compilers, on the same release of the same distribution.
    """

    reference: str
    builder: str
    compiler: str


def _of_suite(reference: str, suite: str) -> Preset:
    """A base on a certain release of Debian, which must be that of what builds for it."""
    return Preset(
        reference, f"{_OFFICIAL}:{{python}}-slim-{suite}", f"{_OFFICIAL}:{{python}}-{suite}"
    )


#: Preset → Python → images; the Python ``*`` is any.
PRESETS: Mapping[str, Mapping[str, Preset]] = {
    "slim": {
        "*": Preset(
            f"{_OFFICIAL}:{{python}}-slim",
            f"{_OFFICIAL}:{{python}}-slim",
            f"{_OFFICIAL}:{{python}}",
        )
    },
    "full": {"*": Preset(*[f"{_OFFICIAL}:{{python}}"] * 3)},
    "distroless": {
        "3.11": _of_suite("gcr.io/distroless/python3-debian12", "bookworm"),
        "3.13": _of_suite("gcr.io/distroless/python3-debian13", "trixie"),
    },
    "chainguard": {
        "*": Preset(
            "cgr.dev/chainguard/python:latest",
            "cgr.dev/chainguard/python:latest-dev",
            "cgr.dev/chainguard/python:latest-dev",
        )
    },
}


def preset(name: str, python: str) -> Preset | None:
    """The images of the preset ``name`` for ``python``; None if it is no preset.

    Raises PlanError where the preset does not have that Python.
    """
    if name not in PRESETS:
        return None
    found = PRESETS[name].get(python) or PRESETS[name].get("*")
    if found is None:
        offered = " and ".join(PRESETS[name])
        raise PlanError(
            Problem(
                f"base '{name}' has no Python {python}: it has {offered}",
                "set 'python' to one of these, or take base 'slim'",
            )
        )
    return Preset(
        *(part.format(python=python) for part in (found.reference, found.builder, found.compiler))
    )


def known(reference: str, python: str) -> Preset | None:
    """What is known of an image of a preset's repository with another tag, such as ``:debug``."""
    repository = repository_of(reference)
    for found in (by_python.get(python) or by_python.get("*") for by_python in PRESETS.values()):
        if found and repository == repository_of(found.reference) != _OFFICIAL:
            return Preset(
                reference, found.builder.format(python=python), found.compiler.format(python=python)
            )
    return None
