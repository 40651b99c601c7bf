"""Rules for values of any kind: lists, and the version of the format."""

from __future__ import annotations

from nox_buildkit.buildspec.text import Invalid, shown


def format_version(value: object) -> object:
    """Let an integer pass alone: to Python, True and 1.0 equal 1."""
    return value if type(value) is int else None


def filled(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse an empty list."""
    if not values:
        raise Invalid("empty", "name at least one")
    return values


def several(value: object) -> object:
    """Return a list in place of a single text."""
    return (value,) if isinstance(value, str) else value


def unique(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list that says something twice."""
    seen: set[str] = set()
    for position, value in enumerate(values):
        if value in seen:
            raise Invalid(f"{shown(value)} is listed twice", "remove one", at=(position,))
        seen.add(value)
    return values
