"""Bases that have a name: where they are, and the bigger images that build for them.

Sources: the descriptions of the official image ``python``, of GoogleContainerTools/distroless, of
Chainguard's ``python``, and the definitions of docker-hardened-images/catalog.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from packaging.version import Version

from nox_buildkit.bases.debian_release import RELEASES
from nox_buildkit.errors import Code, PlanError
from nox_buildkit.oci.references import ImageReference

_OFFICIAL = "docker.io/library/python"
_FULL = f"{_OFFICIAL}:{{python}}"
_HARDENED = "dhi.io/python"


@dataclass(frozen=True, slots=True)
class Preset:
    """References of images, ``{python}`` to be filled in.

    ``builder``: where build steps run if the base itself has no shell or no Python;
    ``compiler``: what compiles, on the same release of the same distribution; ``compiler_apt``:
    Debian packages that it needs for that.
    """

    reference: str
    builder: str
    compiler: str
    compiler_apt: tuple[str, ...] = ()


def _of_suite(reference: str, suite: str) -> Preset:
    """A base on a certain release of Debian, which must be that of what builds for it."""
    return Preset(
        reference, f"{_OFFICIAL}:{{python}}-slim-{suite}", f"{_OFFICIAL}:{{python}}-{suite}"
    )


#: As little as most sdists can be compiled with.
COMPILERS = ("gcc", "g++", "libc6-dev", "make", "pkgconf")

#: Preset → Python → images; the Python ``*`` is any.
PRESETS: Mapping[str, Mapping[str, Preset]] = {
    "slim": {
        "*": Preset(
            f"{_FULL}-slim",
            f"{_FULL}-slim",
            _FULL,
        )
    },
    "full": {"*": Preset(_FULL, _FULL, _FULL)},
    "distroless": {
        "3.11": _of_suite("gcr.io/distroless/python3-debian12", "bookworm"),
        "3.13": _of_suite("gcr.io/distroless/python3-debian13", "trixie"),
    },
    "dhi": {
        "*": Preset(
            f"{_HARDENED}:{{python}}-debian13",
            f"{_HARDENED}:{{python}}-debian13-dev",
            f"{_HARDENED}:{{python}}-debian13-dev",
            COMPILERS,
        )
    },
    "chainguard": {
        "*": Preset(
            "cgr.dev/chainguard/python:latest",
            "cgr.dev/chainguard/python:latest-dev",
            "cgr.dev/chainguard/python:latest-dev",
        )
    },
}


#: Pythons that images can have, newest first.
PYTHONS = ("3.14", "3.13", "3.12", "3.11", "3.10", "3.9")

_TAG = re.compile(r"(3\.\d+)(?:\.\d+)?(?:-[\w.-]+)?")


def pythons_of(base: str) -> tuple[str, ...] | None:
    """The Pythons of ``base``, the best first; None where it has to be looked into."""
    if base == "debian":
        # What is not released yet is for those who can have no other.
        newest = sorted(RELEASES.values(), key=lambda one: Version(one.python), reverse=True)
        return tuple(one.python for one in sorted(newest, key=lambda one: one.testing))
    if base in PRESETS:
        offered = PRESETS[base]
        if "*" not in offered:
            return tuple(sorted(offered, key=Version, reverse=True))
        # The tag of an image says its Python, and this one has a single tag.
        return PYTHONS if "{python}" in offered["*"].reference else None
    reference = ImageReference.parse(base)
    if reference.repository == _OFFICIAL and (found := _TAG.fullmatch(reference.tag)):
        return (found[1],)
    return None


def preset(base: str, python: str) -> Preset | None:
    """The images of a preset, or of a preset's repository with another tag, such as ``:debug``.

    None for any other base. Raises PlanError where the preset does not have that Python.
    """
    offered = {name: each.get(python) or each.get("*") for name, each in PRESETS.items()}
    if base in PRESETS:
        if found := offered[base]:
            return _filled(found, python)
        raise PlanError(
            Code.PYTHON_VERSION(
                f"base '{base}' has no Python {python}: it has {' and '.join(PRESETS[base])}",
                "set 'python' to one of these, or take base 'slim'",
            )
        )
    reference = ImageReference.parse(base)
    repository = reference.repository
    if repository == _HARDENED and reference.tag:
        return _hardened(reference)
    for found in filter(None, offered.values()):
        if repository == ImageReference.parse(found.reference).repository != _OFFICIAL:
            return replace(_filled(found, python), reference=base)
    return None


def _hardened(reference: ImageReference) -> Preset:
    """Return a Docker Hardened Image with the variant of the same tag that builds for it."""
    tag = reference.tag if reference.tag.endswith("-dev") else f"{reference.tag}-dev"
    builder = str(replace(reference, tag=tag, digest=""))
    return Preset(str(reference), builder, builder, () if "alpine" in tag else COMPILERS)


def _filled(found: Preset, python: str) -> Preset:
    return replace(
        found,
        reference=found.reference.format(python=python),
        builder=found.builder.format(python=python),
        compiler=found.compiler.format(python=python),
    )
