"""The file of each package that each platform gets, decided before the build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from packaging.markers import Marker

from nox_buildkit.errors import Code, PlanError, Problem
from nox_buildkit.oci.platform import KnownPlatform
from nox_buildkit.plan.facts import Coverage, LocalWheel, LockedFile
from nox_buildkit.plan.packages import Package
from nox_buildkit.plan.wheel_platforms import Libc, marker_environment, minor_of


class Selection(NamedTuple):
    """``pure``: the same file for every platform; ``native``: the rest, by OCI platform.

    ``sources``: those of the rest that no platform of the image has a wheel of.
    """

    pure: tuple[Package, ...]
    native: dict[str, tuple[Package, ...]]
    sources: tuple[Package, ...] = ()


def select_packages(
    coverage: Coverage,
    platforms: Sequence[KnownPlatform],
    python: str,
    libc: Libc,
    local: Sequence[LocalWheel] = (),
    *,
    compiles: bool = False,
    among: Sequence[KnownPlatform] = (),
) -> Selection:
    """Choose what is installed on each of ``platforms``, the ``local`` wheels included.

    ``compiles``: an sdist does where there is no wheel; ``among``: all platforms of the image, for
    what they share does not depend on which of them are asked for.

    Raises PlanError naming every package and platform without a wheel.
    """
    problems = [
        _no_wheel(file, platform, python, libc)
        for platform in platforms
        for file in coverage.get(platform.oci, ())
        if file.kind != "wheel" and not (compiles and file.kind == "sdist")
    ]
    problems += [_uncompiled(wheel) for wheel in local if wheel.compiled and not compiles]
    if problems:
        raise PlanError(*problems)
    every = {
        platform.oci: {
            **{file.name: _package(file) for file in coverage.get(platform.oci, ())},
            **_local(local, platform, python),
        }
        for platform in (*platforms, *among)
    }
    return _divided(every, [platform.oci for platform in platforms])


def _divided(every: Mapping[str, Mapping[str, Package]], platforms: Sequence[str]) -> Selection:
    """Divide the packages of ``platforms`` by what all platforms of the image share."""
    shared = set.intersection(*(set(packages.values()) for packages in every.values()))
    alike = sorted(shared, key=lambda package: package.name)
    pure = {package: None for package in alike if package.kind == "pure"}
    return Selection(
        tuple(pure),
        {name: tuple(p for p in every[name].values() if p not in pure) for name in platforms},
        tuple(package for package in alike if package.compiled),
    )


#: What a base has already, by OCI platform.
Installed = Mapping[str, tuple[Package, ...]]


def less_installed(selection: Selection, installed: Installed, base: str) -> Selection:
    """``selection`` less what the base, which is called ``base``, has ``installed``.

    Raises PlanError for packages that it has in another version.
    """
    problems: dict[str, Problem] = {}
    there = {
        platform: {package.name: package for package in packages}
        for platform, packages in installed.items()
    }

    def rest(packages: Sequence[Package], platforms: Sequence[str]) -> tuple[Package, ...]:
        found = []
        for package in packages:
            has = [there[platform].get(package.name) for platform in platforms]
            if all(other and other.sha256 == package.sha256 for other in has):
                continue
            for other in filter(None, has):
                if other.sha256 != package.sha256:
                    problems[package.name] = _conflict(base, other, package)
            found.append(package)
        return tuple(found)

    left = Selection(
        rest(selection.pure, list(selection.native)),
        {platform: rest(own, [platform]) for platform, own in selection.native.items()},
        selection.sources,
    )
    if problems:
        raise PlanError(*problems.values())
    return left


def _conflict(base: str, has: Package, wants: Package) -> Problem:
    if has.version == wants.version:
        return Code.PACKAGE_CONFLICT(
            f"{base} has another file of {has.name} {has.version} than this image is to have",
            "share one set of requirements, or lock both from the same index",
        )
    return Code.PACKAGE_CONFLICT(
        f"{base} has {has.name} {has.version}, and this image is to have {wants.version}",
        "lock both with the same versions, or share one set of requirements",
    )


def needs_compiling(coverage: Coverage) -> bool:
    """Tell whether some platform has no wheel of a package, and an sdist."""
    return any(file.kind == "sdist" for files in coverage.values() for file in files)


def _local(
    wheels: Sequence[LocalWheel], platform: KnownPlatform, python: str
) -> dict[str, Package]:
    environment = cast("Mapping[str, str]", marker_environment(platform, python))
    return {
        wheel.name: Package(
            wheel.name,
            wheel.version,
            "native" if wheel.compiled else "pure",
            wheel.filename,
            wheel.sha256,
            wheel.size,
            wheel.path,
            compiled=wheel.compiled,
        )
        for wheel in wheels
        if not wheel.marker or Marker(wheel.marker).evaluate(environment)
    }


def _package(file: LockedFile) -> Package:
    return Package(
        name=file.name,
        version=file.version,
        kind="pure" if file.filename.endswith("-any.whl") else "native",
        filename=file.filename,
        sha256=file.sha256,
        size=file.size,
        path=file.path or None,
        url=file.url or None,
        compiled=file.kind == "sdist",
    )


def _uncompiled(wheel: LocalWheel) -> Problem:
    return Code.NO_WHEEL(
        f"{wheel.name} has machine code, and it is not known what could compile it for this base",
        "name an image of Debian's family with a compiler as 'build-base'",
    )


def _no_wheel(file: LockedFile, platform: KnownPlatform, python: str, libc: Libc) -> Problem:
    name = f"{file.name} {file.version}".rstrip()
    if file.kind == "other":
        return Code.PACKAGE_CONFLICT(
            f"{name} is no file that the lock has a hash of, and nothing else is installed",
            "publish it as a wheel to an index",
        )
    rest = "only a source distribution" if file.kind == "sdist" else "and no source distribution"
    advice = (
        f"version {file.newest} has one: pin that" if file.newest else "pin a version that has one"
    )
    return Code.NO_WHEEL(
        f"{name} has no wheel for {platform.oci} (CPython {minor_of(python)}, {libc}), {rest}",
        f"{advice}, take another 'python', or leave the platform out",
    )
