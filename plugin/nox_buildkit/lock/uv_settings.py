"""uv's settings in files of a project: in its folder, or the nearest above that has some."""

from __future__ import annotations

import contextlib
import tomllib
from pathlib import Path
from typing import Any

#: Those that decide a resolution, or which files of a version count. Where packages come from is
#: left out: that may differ from machine to machine.
_DECIDING = frozenset(
    {
        "build-constraint-dependencies", "config-settings", "config-settings-package",
        "constraint-dependencies", "dependency-metadata", "environments", "exclude-dependencies",
        "exclude-newer", "exclude-newer-package", "extra-build-dependencies", "fork-strategy",
        "no-binary", "no-binary-package", "no-build", "no-build-isolation",
        "no-build-isolation-package", "no-build-package", "no-deps", "no-sources", "only-binary",
        "override-dependencies", "prerelease", "python-platform", "required-environments",
        "resolution",
    }
)  # fmt: skip


def settings_in(path: Path) -> dict[str, Any] | None:
    """uv's settings in a uv.toml or a pyproject.toml; None where it has none."""
    # What is wrong with it, uv says.
    with contextlib.suppress(OSError, ValueError, RecursionError, AttributeError):
        tables = tomllib.loads(path.read_text())
        return tables if path.name != "pyproject.toml" else tables.get("tool", {}).get("uv")
    return None


def settings_for(source: Path) -> dict[str, Any]:
    """The settings that a uv in the folder of ``source`` takes from another file than that one."""
    for folder in source.parents:
        for path in (folder / "uv.toml", folder / "pyproject.toml"):
            if isinstance(settings := settings_in(path), dict):
                return settings if path != source else {}
    return {}


def deciding_settings(source: Path) -> dict[str, Any]:
    """Those of them that decide what ``source`` is resolved to; ``pip.NAME`` counts, too."""
    settings = settings_for(source)
    pip = settings.get("pip")
    every = dict(settings)
    if isinstance(pip, dict):
        every |= {f"pip.{key}": value for key, value in pip.items()}
    return {key: every[key] for key in every if key.removeprefix("pip.") in _DECIDING}
