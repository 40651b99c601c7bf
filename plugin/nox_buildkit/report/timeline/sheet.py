"""Places and widths of a page's elements, as classes: its policy allows no style attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from nox_buildkit.report.timeline.treemap import Box

#: Width of a page below which places with the prefix `NARROW` count.
_BREAK: Final = "44rem"
NARROW: Final = "n"
_PROPERTIES: Final = {"x": "left", "y": "top", "w": "width", "h": "height"}


@dataclass(slots=True)
class Sheet:
    """Collects the classes that a page uses; a class is one property in hundredths of a percent."""

    _used: set[tuple[str, str, int]] = field(default_factory=set)

    def span(self, begin: float, width: float) -> str:
        """Return classes for an element at a part of the width, from 0 to 1."""
        return f"{self._class('', 'x', begin)} {self._class('', 'w', width)}"

    def width(self, part: float) -> str:
        """Return the class for an element of a part of the width."""
        return self._class("", "w", part)

    def place(self, box: Box, prefix: str = "") -> str:
        """Return classes for an element at ``box``, in parts of width and height."""
        values = {"x": box.x, "y": box.y, "w": box.width, "h": box.height}
        return " ".join(self._class(prefix, key, value) for key, value in values.items())

    def rules(self) -> str:
        """Return the rules of all classes."""
        every = sorted(self._used)
        wide = "".join(_rule(*each) for each in every if not each[0])
        narrow = "".join(_rule(*each) for each in every if each[0])
        return f"{wide}\n@media(max-width:{_BREAK}){{{narrow}}}\n"

    def _class(self, prefix: str, key: str, part: float) -> str:
        hundredths = round(10_000 * min(1.0, max(0.0, part)))
        self._used.add((prefix, key, hundredths))
        return f"{prefix}{key}{hundredths}"


def _rule(prefix: str, key: str, hundredths: int) -> str:
    return f".{prefix}{key}{hundredths}{{{_PROPERTIES[key]}:{hundredths / 100:g}%}}"
