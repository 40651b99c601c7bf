"""Versions of a package, and Pythons, that have a wheel where the locked one has none."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from nox_buildkit.errors import LockError
from nox_buildkit.lock.source import Source
from nox_buildkit.lock.uv import THIS_PYTHON, index_options, index_variables, run_uv


def newest_with_wheel(source: Source, name: str, python: str, uv_platform: str) -> str:
    """Return the newest version of ``name`` with a wheel for ``uv_platform``; empty without one.

    ``uv_platform``: as uv's ``--python-platform`` takes it.
    """
    return _with_wheel(source, name, python, uv_platform)


def has_wheel(source: Source, pinned: str, python: str, uv_platform: str) -> bool:
    """Tell whether ``pinned`` (``name==version``) has a wheel for ``python`` on ``uv_platform``."""
    return bool(_with_wheel(source, pinned, python, uv_platform))


def _with_wheel(source: Source, requirement: str, python: str, uv_platform: str) -> str:
    """Return the version that uv resolves ``requirement`` to, with wheels alone."""
    with tempfile.TemporaryDirectory(prefix="nox-buildkit-newest-") as folder:
        Path(folder, "requirements.in").write_text(f"{requirement}\n")
        try:
            text = run_uv(
                [
                    "pip", "compile", "requirements.in", "--quiet", "--no-deps", "--no-header",
                    "--no-annotate", "--only-binary", ":all:", *THIS_PYTHON,
                    "--python-version", python, "--python-platform", uv_platform,
                    *index_options(source.index, source.find_links),
                ],
                cwd=Path(folder),
                env=index_variables(source.extra_indexes),
            )  # fmt: skip
        except LockError:
            return ""
    found = re.search(r"==\s*([^\s;]+)", text)
    return found[1] if found else ""
