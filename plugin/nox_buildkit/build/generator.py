"""The program text that makes images of facts, as an input of the plan."""

from __future__ import annotations

import hashlib
from pathlib import Path

import nox_buildkit

#: What decides about stages and their order, what renders them, and the scripts that run in builds.
_DECIDES = ("plan/**/*.py", "render/**/*.py", "oci/platform.py")


def generator_digest() -> str:
    """Return a digest of what plans and renders images, and of the scripts that run in builds."""
    root = Path(nox_buildkit.__file__).parent
    digest = hashlib.sha256()
    for path in sorted({path for pattern in _DECIDES for path in root.glob(pattern)}):
        name = path.relative_to(root).as_posix()
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"sha256:{digest.hexdigest()}"
