"""A resolution of requirements by ``uv pip compile``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nox_buildkit.lock.checkout import read_checkout
from nox_buildkit.lock.project_metadata import is_dynamic, path_dependencies
from nox_buildkit.lock.project_sources import read_sources
from nox_buildkit.lock.pyproject import read_pyproject
from nox_buildkit.lock.source import Source
from nox_buildkit.lock.uv import index_options, index_variables, run_resolver

#: ``--no-build``, as uv states it in a requirements file.
_NO_BUILD = "--only-binary :all:\n"


def resolve(
    source: Source, before: str, upgrade: bool, upgrade_packages: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """Return the pinned requirements of ``source``, and the packages whose code was run.

    ``before``: pins to keep where they fit. Raises LockError.
    """
    with tempfile.TemporaryDirectory(prefix="nox-buildkit-lock-") as name:
        # uv keeps the pins that it finds in its output file.
        output = Path(name, source.output.name)
        output.write_text(before)
        command: list[str | Path] = [
            "pip", "compile",
            *(os.path.relpath(path, source.path.parent) for path in source.paths),
            # What is never, or only, taken as a wheel counts when the files are chosen, too.
            "--universal", "--generate-hashes", "--no-header", "--emit-build-options",
            "--python-version", source.python,
            "--output-file", output,
            *(f"--extra={extra}" for extra in source.extras),
            *(f"--group={group}" for group in source.groups),
            *(f"--constraints={path}" for path in source.constraints),
            *(f"--overrides={path}" for path in source.overrides),
            *index_options(source.index, source.find_links),
            *(["--no-build"] if source.build == "never" else []),
            *(["--upgrade"] if upgrade else []),
            *(f"--upgrade-package={package}" for package in upgrade_packages),
        ]  # fmt: skip
        where = _where(source, Path(name))
        ran = run_resolver(command, cwd=where, env=index_variables(source.extra_indexes))
        return _body(output, source), tuple(_shown(each, source, where) for each in ran)


def _body(output: Path, source: Source) -> str:
    body = output.read_text()
    for path in (*source.constraints, *source.overrides):
        # uv says whose limit a pin is: by an absolute path, unless the file lies below the folder.
        relative = os.path.relpath(path, source.path.parent)
        body = body.replace(f" {path}\n", f" {relative}\n")
    # That no code runs here says nothing of the steps of a build.
    return body.replace(_NO_BUILD, "", 1) if source.build == "never" else body


def _where(source: Source, work: Path) -> Path:
    """Return the folder to resolve in: a copy, where a build backend runs, since it may write."""
    folder = source.path.parent
    asked = source.kind == "setup" or (
        source.kind == "pyproject"
        and is_dynamic(read_pyproject(source.path))
        # What is required by its path is there in the original alone.
        and not path_dependencies(folder)
    )
    if not asked:
        return folder
    copy = read_sources(folder).copy(work / "sources")
    if checkout := read_checkout(folder):
        checkout.link(work / "sources", work / "git")
    return copy


def _shown(package: str, source: Source, where: Path) -> str:
    """A package as uv's log names it, in the words of the project."""
    name, _, url = package.rpartition(" @ ")
    if name or not url.startswith("file://"):
        return name or package
    path = Path(unquote(urlsplit(url).path))
    folder = source.path.parent
    return source.path.name if path in (where, folder) else os.path.relpath(path, folder)
