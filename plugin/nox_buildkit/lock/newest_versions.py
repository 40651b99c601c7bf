"""Which version of a package would do, where the locked one does not."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from nox_buildkit.errors import LockError
from nox_buildkit.lock.source import Source
from nox_buildkit.lock.uv import index_options, index_variables, run_uv


def newest_with_wheel(source: Source, name: str, python: str, uv_platform: str) -> str:
    """The newest version of ``name`` that has a wheel for ``uv_platform``; empty if none has.

    ``uv_platform``: as uv's ``--python-platform`` takes it.
    """
    with tempfile.TemporaryDirectory(prefix="nox-buildkit-newest-") as folder:
        Path(folder, "requirements.in").write_text(f"{name}\n")
        try:
            text = run_uv(
                [
                    "pip", "compile", "requirements.in", "--quiet", "--no-deps", "--no-header",
                    "--no-annotate", "--only-binary", ":all:", "--python-version", python,
                    "--python-platform", uv_platform,
                    *index_options(source.index, source.find_links),
                ],
                cwd=Path(folder),
                env=index_variables(source.extra_indexes),
            )  # fmt: skip
        except LockError:
            return ""
    found = re.search(r"==\s*([^\s;]+)", text)
    return found[1] if found else ""
