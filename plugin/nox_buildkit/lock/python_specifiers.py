"""Version specifiers of Python, and which feature releases they accept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from nox_buildkit.errors import Location

#: More patch releases than any Python has had.
_PATCHES = range(100)


@dataclass(frozen=True, slots=True)
class Requirement:
    """The Pythons that a project accepts: ``text`` is the specifier at ``location``."""

    specifier: SpecifierSet
    text: str
    location: Location


def accepts(specifier: SpecifierSet, python: str, patch: int | None = None) -> bool:
    """Tell whether a patch release of ``python`` (``3.13``), or that one ``patch``, is accepted."""
    patches = _PATCHES if patch is None else (patch,)
    return any(specifier.contains(f"{python}.{each}", prereleases=True) for each in patches)


def accepts_latest(specifier: SpecifierSet, python: str) -> bool:
    """Tell whether the patch releases of ``python`` that are still to come are accepted."""
    return accepts(specifier, python, _PATCHES[-1])


def accepts_the_same(one: SpecifierSet, others: Iterable[SpecifierSet]) -> bool:
    """Tell whether ``one`` accepts what all of ``others`` accept together.

    Two specifiers can be spelled differently and mean the same; every release of the years in which
    a project can be built is compared.
    """
    together = list(others)
    releases = [f"3.{minor}.{patch}" for minor in range(30) for patch in (*range(30), 99)]
    return all(
        one.contains(release) == all(each.contains(release) for each in together)
        for release in [*releases, "2.7.18", "4.0.0"]
    )
