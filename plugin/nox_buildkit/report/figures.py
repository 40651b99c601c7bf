"""Seconds and bytes as people read them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """``0.4 s``, ``12.3 s``, ``3 min 05 s``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def precise_duration(seconds: float) -> str:
    """As :func:`duration`, and ``12 ms`` below a tenth of a second."""
    return duration(seconds) if seconds >= 0.0995 else f"{1000 * seconds:.0f} ms"


def size(count: float) -> str:
    """Bytes in decimal units, three significant digits, as registries show them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5 or unit == "GB":
            break
        count /= 1000
    if unit == "B":
        return f"{count:.0f} B"
    return f"{count:.{2 if count < 9.995 else 1 if count < 99.95 else 0}f} {unit}"
