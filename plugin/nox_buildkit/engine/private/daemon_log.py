"""The cause of a failure in the log of a dockerd or containerd."""

from __future__ import annotations

import re
from pathlib import Path

_FAILURE = re.compile(r"\blevel=(?:error|fatal|panic)\b|\berror=|^(?!.*\blevel=)")
_MESSAGE = re.compile(r'\bmsg="((?:[^"\\]|\\.)*)"(?:.*\berror="((?:[^"\\]|\\.)*)")?')


def failures(log: Path) -> list[str]:
    """Messages of failures in a daemon's log: logfmt, and plain lines of a fatal error."""
    if not log.exists():
        return []
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [_message(line.strip()) for line in lines if line.strip() and _FAILURE.search(line)]


def _message(line: str) -> str:
    if found := _MESSAGE.search(line):
        return ": ".join(part for part in found.groups() if part).replace('\\"', '"')
    return line
