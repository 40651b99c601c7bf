"""Wheels of the project's own packages and of commits, built on this machine by uv.

Built here and not in a step, because a build backend may ask git for the version, and a step has
nobody's keys. What is built is kept under a digest of what it was made of. A package with machine
code is a source distribution here, and a step compiles it for each platform.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from nox_buildkit.environment import for_backends
from nox_buildkit.errors import Code, Location, LockError, PlanError
from nox_buildkit.files import cache_dir, locked, private_dir, remove, scratch
from nox_buildkit.lock.build_systems import Kind, is_of_compiler, kind_of, name_and_version
from nox_buildkit.lock.checkout import Checkout, read_checkout
from nox_buildkit.lock.direct_references import GitPackage
from nox_buildkit.lock.project_sources import Sources, read_sources
from nox_buildkit.lock.source_archives import known_to_git, pack, stated_in
from nox_buildkit.lock.uv import run_uv, uv_version
from nox_buildkit.plan.facts import LocalWheel

#: Counts changes of how a wheel is made.
_FORMAT = 3

#: Zip files cannot represent an earlier time.
_EPOCH = "315532800"


def local_wheel(
    folder: Path,
    marker: str,
    location: Location | None,
    exclude: Collection[Path] = (),
    arguments: Mapping[str, str] = MappingProxyType({}),
) -> LocalWheel:
    """The wheel of the project in ``folder``, or its sources, if these are to be compiled.

    ``exclude``: paths that it is not made of; ``arguments``: variables of its build. Raises
    PlanError where none can be built.
    """
    if not (folder / "pyproject.toml").is_file() and not (folder / "setup.py").is_file():
        raise PlanError(
            Code.OWN_PACKAGE(
                f"{folder} is not a Python project: it has no pyproject.toml",
                "correct the path, or add a pyproject.toml with a [build-system]",
                location,
            )
        )
    sources, checkout, kind = read_sources(folder, exclude), read_checkout(folder), kind_of(folder)
    if kind == "folder":
        # Those of Rust lie beside what was compiled of them, which has gigabytes.
        sources, checkout = known_to_git(sources), None
    build = partial(_build, sources, checkout, kind, location=location, arguments=arguments)
    return _describe(_kept(_key(sources, checkout, arguments), build), marker, location)


def git_wheel(
    package: GitPackage,
    python: str,
    location: Location | None,
    arguments: Mapping[str, str] = MappingProxyType({}),
) -> LocalWheel:
    """The wheel of a commit, for an image with ``python``; ``arguments``: variables of its build.

    What git needs to reach the repository is its own business. Raises PlanError where no wheel can
    be built.
    """
    inputs = [*_builder(arguments), package.url, python]
    key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    build = partial(_build_commit, package, python, location=location, arguments=arguments)
    return _describe(_kept(key, build), package.marker, location)


def _kept(key: str, build: Callable[[Path], None]) -> Path:
    """The wheel of ``key``, which ``build`` puts into a new folder if there is none yet."""
    home = private_dir(cache_dir() / "wheels") / key
    with locked(home.with_name(f"{home.name}.lock")):
        if not home.is_dir():
            with scratch(home.parent, ".build-") as work:
                build(work)
                (work / "wheel").rename(home)
    return next(path for path in home.iterdir() if path.name.endswith((".whl", ".tar.gz")))


def _builder(arguments: Mapping[str, str]) -> list[object]:
    """The programs that build wheels here, and the variables that backends see."""
    return [_FORMAT, uv_version(), sys.version_info[:2], for_backends(), dict(arguments)]


def _key(sources: Sources, checkout: Checkout | None, arguments: Mapping[str, str]) -> str:
    inputs = [
        *_builder(arguments),
        str(sources.folder),
        sources.digest(),
        checkout.digest(sources.folder) if checkout else "",
    ]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _build(
    sources: Sources,
    checkout: Checkout | None,
    kind: Kind,
    work: Path,
    *,
    location: Location | None,
    arguments: Mapping[str, str],
) -> None:
    """Put what is made of ``sources`` into the folder ``wheel`` of ``work``. Raises PlanError."""
    output, made = work / "wheel", work / "sdist"
    backend = partial(_run_backend, sources, checkout, work, location=location, arguments=arguments)
    refused: PlanError | None = None
    if kind == "wheel":
        try:
            backend("wheel", output)
        except PlanError as error:
            if not is_of_compiler(str(error)):
                raise
            refused = error
        else:
            if next(output.glob("*-any.whl"), None):
                return
        remove(output)
    with _located(location):
        if kind == "folder":
            pack(name_and_version(sources.folder), sources, None, output)
            return
        try:
            backend("sdist", made)
        except PlanError as error:
            raise refused or error from None
        (archive,) = made.glob("*.tar.gz")
        pack(stated_in(archive), known_to_git(sources), archive, output)


def _run_backend(
    sources: Sources,
    checkout: Checkout | None,
    work: Path,
    kind: Literal["wheel", "sdist"],
    output: Path,
    *,
    location: Location | None,
    arguments: Mapping[str, str],
) -> None:
    copies = work / f"sources-{kind}"
    folder = sources.copy(copies)
    if read_sources(folder).digest(above=False) != sources.digest(above=False):
        message = f"{sources.folder}: files changed while they were read"
        raise PlanError(Code.OWN_PACKAGE(message, "run it again", location))
    if checkout:
        checkout.link(copies, work / f"git-{kind}")
    # git looks for a repository no further up.
    env = {**arguments, **_epoch(), "GIT_CEILING_DIRECTORIES": str(work), "GIT_OPTIONAL_LOCKS": "0"}
    options = [f"--{kind}", "--no-create-gitignore", "--out-dir", str(output)]
    with _explained(str(sources.folder), location, str(copies)):
        # uv's own settings are those of where the project is.
        run_uv(["build", *options, str(folder)], cwd=sources.folder, env=env, repositories=False)


@contextlib.contextmanager
def _located(location: Location | None) -> Iterator[None]:
    try:
        yield
    except PlanError as error:
        raise error.located(location) from None


def _build_commit(
    package: GitPackage,
    python: str,
    work: Path,
    *,
    location: Location | None,
    arguments: Mapping[str, str],
) -> None:
    name = canonicalize_name(package.name)
    with _explained(package.name, location):
        run_uv(
            [
                "pip", "install", "--quiet", "--target", work / "target", "--no-deps",
                # The image's, and not that of this machine, has to be one that it accepts.
                "--python-version", python, f"{name} @ {package.url}",
            ],
            cwd=work,
            # uv keeps the wheels that it builds in its cache; one of our own holds no others.
            env={**arguments, "UV_CACHE_DIR": str(work / "uv"), **_epoch()},
        )  # fmt: skip
        # Not every build backend writes the name as it is locked.
        made = (work / "uv").glob("sdists-*/**/*.whl")
        wheel = next((w for w in made if canonicalize_name(w.name.partition("-")[0]) == name), None)
        if wheel is None:
            raise LockError(Code.OWN_PACKAGE("it has made no wheel of that name"))
        (work / "wheel").mkdir()
        shutil.copy(wheel, work / "wheel")


def _epoch() -> dict[str, str]:
    return {"SOURCE_DATE_EPOCH": _EPOCH}


@contextlib.contextmanager
def _explained(what: str, location: Location | None, copies: str = "") -> Iterator[None]:
    """Say what could not be built; below the folder ``copies``, paths are those of the original."""
    try:
        yield
    except LockError as error:
        raise PlanError(
            *(
                Code.OWN_PACKAGE(
                    f"{what} cannot be built: {p.message.replace(copies, '')}", p.hint, location
                )
                for p in error.problems
            )
        ) from None


def _describe(path: Path, marker: str, location: Location | None) -> LocalWheel:
    compiled = path.name.endswith(".tar.gz")
    if compiled:
        name, version = parse_sdist_filename(path.name)
    else:
        name, version, _, tags = parse_wheel_filename(path.name)
        if any(tag.platform != "any" for tag in tags):
            raise PlanError(
                Code.OWN_PACKAGE(
                    f"{name} has machine code, and its wheel is for this machine: {path.name}",
                    "publish its wheels to an index, or require it by a path",
                    location,
                )
            )
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    size = path.stat().st_size
    return LocalWheel(name, str(version), path.name, digest, size, str(path), marker, compiled)
