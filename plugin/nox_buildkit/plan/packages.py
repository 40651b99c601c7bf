"""Which file of which package each platform gets, decided before anything is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from packaging.markers import Marker
from packaging.pylock import Package as LockedPackage
from packaging.pylock import PackageSdist, PackageWheel, Pylock, PylockSelectError

from nox_buildkit.errors import PlanError, Problem
from nox_buildkit.plan.facts import LocalWheel
from nox_buildkit.plan.model import Package
from nox_buildkit.plan.platforms import Platform, marker_environment, wheel_tags


class Selection(NamedTuple):
    """``pure``: the same file for every platform; ``native``: the rest, by OCI platform."""

    pure: tuple[Package, ...]
    native: dict[str, tuple[Package, ...]]


def select_packages(
    lock: Pylock | None,
    platforms: Sequence[Platform],
    python: str,
    glibc: tuple[int, int],
    local: Sequence[LocalWheel] = (),
    *,
    compiles: bool = False,
) -> Selection:
    """Choose a wheel for every package and platform of ``lock``, and add the ``local`` ones.

    ``compiles``: an sdist does where there is no wheel.

    Raises PlanError naming every package and platform without a wheel.
    """
    problems: list[Problem] = []
    chosen = {
        platform.oci: {
            **(_select(lock, platform, python, glibc, problems, compiles=compiles) if lock else {}),
            **_local(local, platform, python),
        }
        for platform in platforms
    }
    if problems:
        raise PlanError(*problems)
    shared = set.intersection(*(set(packages.values()) for packages in chosen.values()))
    pure = {package for package in shared if package.kind == "pure"}
    return Selection(
        tuple(sorted(pure, key=lambda package: package.name)),
        {
            platform: tuple(package for package in packages.values() if package not in pure)
            for platform, packages in chosen.items()
        },
    )


def _select(
    lock: Pylock,
    platform: Platform,
    python: str,
    glibc: tuple[int, int],
    problems: list[Problem],
    *,
    compiles: bool,
) -> dict[str, Package]:
    tags = list(wheel_tags(platform, python, glibc))
    selected = {}
    try:
        for package, file in lock.select(
            environment=marker_environment(platform, python), tags=tags
        ):
            if isinstance(file, PackageWheel):
                selected[package.name] = _package(package, file)
            elif isinstance(file, PackageSdist) and compiles:
                selected[package.name] = _compiled(package, file)
            else:
                problems.append(_no_wheel(package, file, platform, python, glibc))
    except PylockSelectError as error:
        problems.append(Problem(f"{platform.oci}: {error}", "run 'nox -s lock -- --upgrade'"))
    return {name: selected[name] for name in sorted(selected)}


def _local(wheels: Sequence[LocalWheel], platform: Platform, python: str) -> dict[str, Package]:
    environment = cast("Mapping[str, str]", marker_environment(platform, python))
    return {
        wheel.name: Package(
            wheel.name, wheel.version, "pure", wheel.filename, wheel.sha256, wheel.size, wheel.path
        )
        for wheel in wheels
        if not wheel.marker or Marker(wheel.marker).evaluate(environment)
    }


def _package(package: LockedPackage, wheel: PackageWheel) -> Package:
    return Package(
        name=package.name,
        version=str(package.version),
        kind="pure" if wheel.filename.endswith("-any.whl") else "native",
        filename=wheel.filename,
        sha256=wheel.hashes["sha256"],
        size=wheel.size,
    )


def _compiled(package: LockedPackage, sdist: PackageSdist) -> Package:
    return Package(
        name=package.name,
        version=str(package.version),
        kind="native",
        filename=sdist.filename,
        sha256=sdist.hashes["sha256"],
        size=sdist.size,
        compiled=True,
    )


def needs_compiling(
    lock: Pylock, platforms: Sequence[Platform], python: str, glibc: tuple[int, int]
) -> bool:
    """Whether some package of ``lock`` has an sdist and no wheel for one of ``platforms``."""
    try:
        selection = select_packages(lock, platforms, python, glibc, compiles=True)
    except PlanError:
        # Said when the plan is made, with everything else.
        return False
    return any(p.compiled for packages in selection.native.values() for p in packages)


def _no_wheel(
    package: LockedPackage,
    file: object,
    platform: Platform,
    python: str,
    glibc: tuple[int, int],
) -> Problem:
    version = f" {package.version}" if package.version else ""
    if not isinstance(file, PackageSdist):
        return Problem(
            f"{package.name}{version} comes from a folder, a repository or an archive, "
            "and only wheels of an index can be installed",
            "publish it as a wheel to an index",
        )
    return Problem(
        f"{package.name}{version} has no wheel for {platform.oci} "
        f"(CPython {python}, glibc {glibc[0]}.{glibc[1]}), only a source distribution",
        "pin a version that has one, take another 'python', or leave the platform out",
    )
