"""The state of a committed lock: whether it is as it was written, of the requirements of now."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from nox_buildkit.errors import LockError
from nox_buildkit.lock.lock_inputs import inputs_digest
from nox_buildkit.lock.readers import read_text
from nox_buildkit.lock.source import Source

#: The comment that a lock begins with.
_HEADER = re.compile(
    r"\A# [^\n]*\n# [^\n]*\n# inputs: (?P<inputs>sha256:[0-9a-f]{64})\n"
    r"# body: (?P<body>sha256:[0-9a-f]{64})\n"
)

#: What a committed lock is to its source; ``altered``: not as it was written.
State = Literal["fresh", "missing", "stale", "altered"]


def state_of(source: Source) -> State:
    """Compare the committed lock with its source, without running a program.

    Raises LockError for a source that cannot be read.
    """
    if source.kind == "locked":
        return "fresh"
    if not source.output.exists():
        return "missing"
    try:
        text = read_text(source.output)
    except LockError:
        return "altered"
    stated = _HEADER.match(text)
    if not stated or stated["inputs"] != inputs_digest(source):
        return "stale"
    return "fresh" if stated["body"] == body_digest(text[stated.end() :]) else "altered"


def body_digest(body: str) -> str:
    """Return the digest that the header of a lock states of what is below it."""
    return f"sha256:{hashlib.sha256(body.encode()).hexdigest()}"
