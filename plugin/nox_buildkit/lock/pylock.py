"""Files of the index for each package of a lock, as a pylock (PEP 751).

The pylock names the index's addresses, so it lives in the user's cache and not beside the lock.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName
from packaging.utils import canonicalize_name

from nox_buildkit.cache_entries import read_cached, write_cached
from nox_buildkit.errors import Code, LockError
from nox_buildkit.lock.direct_references import without_local
from nox_buildkit.lock.export import export_files
from nox_buildkit.lock.indexes import without_folders
from nox_buildkit.lock.pylock_cache import place_of
from nox_buildkit.lock.readers import read_text
from nox_buildkit.lock.source import Source, logical_lines
from nox_buildkit.lock.uv import (
    THIS_PYTHON,
    index_options,
    index_variables,
    pinned_options,
    run_uv,
)
from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.wheel_platforms import marker_environment

if TYPE_CHECKING:
    from packaging.pylock import Pylock

_MARKER = re.compile(r"\s;\s*(.*?)\s*(?:--hash[ =]|$)")
_HASH = re.compile(r"--hash[ =](\w+:[0-9a-f]+)")


def read_pylock(source: Source) -> Pylock:
    """The files of every package in ``source.output``; the index is asked once a lock.

    Raises LockError.
    """
    # Not on the way of a run that finds nothing to do.
    from packaging.pylock import Pylock, PylockValidationError  # noqa: PLC0415

    path = place_of(source)
    if (listed := read_cached(path)) is None:
        listed = ask(source, path)
    try:
        return Pylock.from_dict(_as_locked(tomllib.loads(listed), source))
    except LockError:
        # The next run asks again.
        path.unlink(missing_ok=True)
        raise
    except (PylockValidationError, tomllib.TOMLDecodeError) as error:
        path.unlink(missing_ok=True)
        raise LockError(
            Code.UNREADABLE_SOURCE(
                f"{source.output.name}: uv's list of files cannot be read: {error}"
            )
        ) from None


def ask(source: Source, place: Path) -> str:
    """Ask the index, and keep the answer in ``place``. Raises LockError."""
    listed = _ask(source)
    write_cached(place, listed)
    return listed


def _as_locked(listed: dict[str, Any], source: Source) -> dict[str, Any]:
    """``listed`` less what the lock does not have a hash of: an index may offer other files today.

    Raises LockError naming the packages that nothing is left of.
    """
    hashes = _hashes(read_text(source.output))
    problems = []
    # What comes from a repository becomes a wheel on this machine.
    listed["packages"] = [p for p in listed.get("packages", []) if "vcs" not in p]
    for package in listed["packages"]:
        locked = hashes.get(canonicalize_name(package["name"]))
        if not locked or not {"wheels", "sdist", "archive"} & package.keys():
            continue
        if "wheels" in package:
            package["wheels"] = [w for w in package["wheels"] if _hashed(w) & locked]
        for key in ("sdist", "archive"):
            if key in package and not _hashed(package[key]) & locked:
                del package[key]
        if not any(package.get(key) for key in ("wheels", "sdist", "archive")):
            version = package.get("version", "")
            problems.append(
                Code.LOCK_MISFIT(
                    f"{package['name']} {version}: what is offered is not what was locked",
                    "name the index that it was locked from, or lock it again",
                    source.location,
                )
            )
    if problems:
        raise LockError(*problems)
    return listed


def _hashes(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in logical_lines(lock):
        if name := re.match(r"[A-Za-z0-9][\w.-]*", line):
            found.setdefault(canonicalize_name(name[0]), set()).update(_HASH.findall(line))
    return found


def _hashed(file: dict[str, Any]) -> set[str]:
    return {f"{algorithm}:{value}" for algorithm, value in file.get("hashes", {}).items()}


def _for_images(lock: str) -> str:
    """``lock`` less what no image gets, such as what PyPy needs: uv would want a wheel for it."""
    lines = logical_lines(lock)
    return "".join(f"{line}\n" for line in lines if line.startswith("-") or _may_be_needed(line))


def _may_be_needed(requirement: str) -> bool:
    marker = _MARKER.search(requirement)
    if not marker:
        return True
    try:
        parsed = Marker(marker[1])
        return any(
            parsed.evaluate(cast("dict[str, str]", marker_environment(platform, f"3.{minor}")))
            for platform in PLATFORMS.values()
            for minor in range(9, 20)
        )
    except (InvalidMarker, UndefinedEnvironmentName):
        return True


def _ask(source: Source) -> str:
    if source.kind == "uv":
        # uv.lock says which index each package is from.
        return export_files(source)
    with tempfile.TemporaryDirectory(prefix="nox-buildkit-pylock-") as name:
        lock = Path(name, "requirements.txt")
        text = without_folders(without_local(read_text(source.output)))
        lock.write_text(_for_images(text))
        output = Path(name, "pylock.toml")
        run_uv(
            [
                "pip", "compile", lock, "--quiet", "--no-deps", "--universal", "--generate-hashes",
                "--no-header", *THIS_PYTHON, "--python-version", source.python,
                "--format", "pylock.toml",
                "--output-file", output,
                *index_options(source.index, source.find_links),
                *pinned_options(source.extra_indexes),
            ],
            cwd=source.path.parent,
            env=index_variables(source.extra_indexes),
        )  # fmt: skip
        return output.read_text()
