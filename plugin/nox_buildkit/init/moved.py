"""Keys whose paths lie below another folder."""

from __future__ import annotations

import re
from typing import Any

#: Keys whose paths are not of the image.
_ELSEWHERE = ("from", "source")


def moved(value: Any, folder: str, to: str) -> Any:
    """Return ``value`` with ``to`` in the place of ``folder`` in every text that names it."""
    if not folder:
        return value
    if isinstance(value, str):
        # Part of no other path, but for URLs of files.
        begin = r"(?:(?<![\w/.-])|(?<=///)|(?<=file://))"
        return re.sub(rf"{begin}{re.escape(folder)}(?![\w.-])", lambda _: to, value)
    if isinstance(value, list):
        return [moved(each, folder, to) for each in value]
    if isinstance(value, dict):
        return {
            key: each if key in _ELSEWHERE else moved(each, folder, to)
            for key, each in value.items()
        }
    return value
