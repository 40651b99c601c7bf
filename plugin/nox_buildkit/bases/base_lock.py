"""The committed lock of bases: which digest each reference had when somebody last looked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from nox_buildkit.errors import Code, LockError
from nox_buildkit.files import write_atomic
from nox_buildkit.oci.resolved import ResolvedImage

NAME = "bases.lock"

_NOTE = "Written by 'nox -s lock -- --bases'; do not edit."


def read_base_lock(path: Path) -> dict[str, ResolvedImage] | None:
    """The images of ``path`` by reference; None if there is no such file. Raises LockError."""
    try:
        content = json.loads(path.read_bytes())
        return {
            reference: ResolvedImage(str(image["digest"]), frozenset(map(str, image["platforms"])))
            for reference, image in content["bases"].items()
        }
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise LockError(
            Code.STALE_BASE_LOCK(f"{path.name} cannot be read", "run 'nox -s lock -- --bases'")
        ) from None


def write_base_lock(path: Path, images: Mapping[str, ResolvedImage]) -> bool:
    """Write ``images`` by reference to ``path``; return whether that changes it."""
    bases = {
        reference: {"digest": image.digest, "platforms": sorted(image.platforms)}
        for reference, image in sorted(images.items())
    }
    text = json.dumps({"note": _NOTE, "bases": bases}, indent=2) + "\n"
    if path.is_file() and path.read_text(errors="replace") == text:
        return False
    write_atomic(path, text)
    return True
