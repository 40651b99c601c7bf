"""Which files the index has for every package of a lock, as a pylock (PEP 751).

The pylock names the index's addresses, so it lives in the user's cache and not beside the lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import tomllib
from pathlib import Path

from packaging.pylock import Pylock, PylockValidationError

from nox_buildkit.errors import LockError
from nox_buildkit.files import cache_dir, private_dir, write_atomic
from nox_buildkit.lock.local import without_local
from nox_buildkit.lock.source import Source
from nox_buildkit.lock.uv import index_options, run_uv


def read_pylock(source: Source) -> Pylock:
    """The files of every package in ``source.output``; the index is asked once a lock.

    Raises LockError.
    """
    path = _cached(source)
    if not path.is_file():
        write_atomic(path, _ask(source))
    try:
        return Pylock.from_dict(tomllib.loads(path.read_text()))
    except (PylockValidationError, tomllib.TOMLDecodeError) as error:
        path.unlink(missing_ok=True)
        raise LockError(
            f"{source.output.name}: uv's list of files cannot be read: {error}"
        ) from None


def _cached(source: Source) -> Path:
    # Another index may hold other files of the same versions.
    indexes = {
        key: value
        for key, value in sorted(os.environ.items())
        if key.startswith("UV_")
        and ("INDEX" in key or "FIND_LINKS" in key)
        and "PASSWORD" not in key
    }
    key = json.dumps(
        [source.output.read_text(), source.python, source.index, source.extra_indexes, indexes]
    )
    digest = hashlib.sha256(key.encode()).hexdigest()
    return private_dir(cache_dir() / "pylock") / f"pylock.{digest}.toml"


def _ask(source: Source) -> str:
    with tempfile.TemporaryDirectory(prefix="nox-buildkit-pylock-") as name:
        lock = Path(name, "requirements.txt")
        lock.write_text(without_local(source.output.read_text()))
        output = Path(name, "pylock.toml")
        run_uv(
            [
                "pip", "compile", lock, "--quiet", "--no-deps", "--universal", "--generate-hashes",
                "--no-header", "--python-version", source.python, "--format", "pylock.toml",
                "--output-file", output,
                *index_options(source.index, source.extra_indexes),
            ],
            cwd=source.path.parent,
        )  # fmt: skip
        return output.read_text()
