"""Package places in the project of a uv.lock: indexes, and folders of files."""

from __future__ import annotations

from pathlib import Path

from nox_buildkit.lock.indexes import folder_at, index_at
from nox_buildkit.lock.pyproject import beside


def named_indexes(lock: Path) -> tuple[str | None, tuple[str, ...]]:
    """The indexes that the project of ``lock`` names in tool.uv: the default one, and the others.

    Each is NAME=URL, so that UV_INDEX_<NAME>_* variables hold its credentials. Raises LockError for
    what a step of a build cannot reach, and for credentials.
    """
    default, others = None, []
    if project := beside(lock):
        for position, index in enumerate(project.manifest.tool.uv.index):
            url = index_at(index.url, project.at("tool", "uv", "index", position, "url"))
            named = url if index.name is None else f"{index.name}={url}"
            if index.default:
                default = named
            else:
                others.append(named)
    return default, tuple(others)


def named_folders(lock: Path) -> tuple[Path, ...]:
    """The folders of files that the project of ``lock`` names in tool.uv.

    Raises LockError for a page of links, and for a folder that is not there.
    """
    if not (project := beside(lock)):
        return ()
    named = project.manifest.tool.uv.find_links
    return tuple(folder_at(name, project.at("tool", "uv", "find-links")) for name in named)
