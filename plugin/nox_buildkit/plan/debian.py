"""Debian packages of an image."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """A Debian package of a base that is assembled here, in one version on ``platforms``.

    ``asked``: the name that the spec has for it, which may be a virtual package; "" if the spec
    does not name it.
    """

    name: str
    version: str
    platforms: tuple[str, ...]
    asked: str = ""


@dataclass(frozen=True, slots=True)
class DebianPackages:
    """The Debian packages that a build installs.

    ``base``: those of an assembled base; ``added``: names that a step adds to another base;
    ``compiler``: names that are added where packages are compiled; ``steps``: names that are added
    where steps run; ``step_base``: those of an assembled base that runs steps.
    """

    base: tuple[DebianPackage, ...] = ()
    added: tuple[str, ...] = ()
    compiler: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    step_base: tuple[DebianPackage, ...] = ()
