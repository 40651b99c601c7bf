"""Wheels of the project's own packages, built on this machine as ``uv build`` does it.

Built here and not in a step, because a build backend may ask git for the version. What is built is
kept under a digest of what it was made of, so unchanged sources cost no build.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from packaging.utils import parse_wheel_filename

from nox_buildkit.errors import Location, LockError, PlanError, Problem
from nox_buildkit.facts.context import source_file, stated_version
from nox_buildkit.facts.git import read_git
from nox_buildkit.facts.ignore import every_file
from nox_buildkit.files import cache_dir, locked, private_dir
from nox_buildkit.lock.uv import run_uv, uv_version
from nox_buildkit.plan.facts import LocalWheel

#: Zip files cannot represent an earlier time.
_EPOCH = "315532800"


def local_wheel(
    folder: Path, marker: str, location: Location | None, exclude: Collection[Path] = ()
) -> LocalWheel:
    """The wheel of the project in ``folder``; ``exclude``: paths that it is not made of.

    Raises PlanError where none can be built.
    """
    if not (folder / "pyproject.toml").is_file() and not (folder / "setup.py").is_file():
        raise PlanError(
            Problem(
                f"{folder} is not a Python project: it has no pyproject.toml",
                "correct the path, or add a pyproject.toml with a [build-system]",
                location,
            )
        )
    home = private_dir(cache_dir() / "wheels") / _key(folder, exclude)
    with locked(home.with_name(f"{home.name}.lock")):
        if not home.is_dir():
            with tempfile.TemporaryDirectory(dir=home.parent, prefix=".build-") as name:
                _build(folder, Path(name, "wheel"), location)
                Path(name, "wheel").rename(home)
    return _describe(next(home.glob("*.whl")), marker, location)


def _key(folder: Path, exclude: Collection[Path]) -> str:
    # Backends have rules of their own for what goes in: also generated files that git ignores.
    files = [asdict(source_file(folder, path)) for path in every_file(folder, exclude=exclude)]
    # A version that is not stated comes from git, as a rule.
    git = None if stated_version(folder) else read_git(folder)
    inputs = [uv_version(), str(folder), files, git.revision if git else "", git and git.dirty]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()


def _build(folder: Path, target: Path, location: Location | None) -> None:
    epoch = {"SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", _EPOCH)}
    options = ["--quiet", "--wheel", "--no-create-gitignore", "--out-dir", str(target)]
    try:
        run_uv(["build", *options, str(folder)], cwd=folder, env=epoch)
    except LockError as error:
        raise PlanError(
            *(
                Problem(f"{folder} cannot be built: {p.message}", p.hint, location)
                for p in error.problems
            )
        ) from None


def _describe(path: Path, marker: str, location: Location | None) -> LocalWheel:
    name, version, _, tags = parse_wheel_filename(path.name)
    if any(tag.platform != "any" for tag in tags):
        raise PlanError(
            Problem(
                f"{name} has machine code, and its wheel is for this machine alone: {path.name}",
                "publish its wheels to an index",
                location,
            )
        )
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return LocalWheel(name, str(version), path.name, digest, len(content), str(path), marker)
