"""A bar that fills up."""

from __future__ import annotations

from rich.text import Text


def bar(part: float, width: int, colour: str, *, fancy: bool) -> Text:
    """Return a bar of ``width`` columns, filled up to ``part`` of 1; ``fancy``: not in ASCII."""
    halves = round(max(0.0, min(1.0, part)) * width * 2)
    whole, half = divmod(halves, 2)
    full, end, empty = "━╸─" if fancy else "#-."
    text = Text().append(full * whole + end * half, colour)
    return text.append(empty * (width - whole - half), "bright_black")
