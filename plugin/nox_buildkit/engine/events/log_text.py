"""The text of logs as a terminal would leave it: without escape sequences and credentials."""

from __future__ import annotations

import base64
import binascii
import re

from nox_buildkit.printable import redacted

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)")

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def log_lines(data: bytes) -> list[str]:
    """Lines as a terminal would leave them standing: of what a carriage return rewrote, the end."""
    text = _ESCAPES.sub("", data.decode(errors="replace"))
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return [clean(line.rstrip()) for line in lines if line.strip()]


def clean(text: str) -> str:
    """Return ``text`` without what a terminal would obey."""
    return redacted(_CONTROLS.sub("", _ESCAPES.sub("", text)))


def decoded(data: object) -> bytes:
    """Return the bytes of base64 ``data``; none if it is something else."""
    try:
        return base64.b64decode(str(data or ""))
    except (binascii.Error, ValueError):
        return b""
