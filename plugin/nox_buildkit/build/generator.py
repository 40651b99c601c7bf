"""The program text that turns plans into images, as an input of the plan."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nox_buildkit import render


def generator_digest() -> str:
    """Return a digest of what renders plans, and of the scripts that run in builds."""
    digest = hashlib.sha256()
    for path in sorted(Path(render.__file__).parent.rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"sha256:{digest.hexdigest()}"
