"""A platform as Python sees it: markers and wheel tags (PEP 508, PEP 425, PEP 600)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, cast

from packaging.markers import Environment, Marker
from packaging.tags import Tag, compatible_tags, cpython_tags

from nox_buildkit.oci.platform import PLATFORMS, KnownPlatform

#: The oldest glibc that a manylinux tag with a version can name.
OLDEST_MANYLINUX = (2, 5)

#: manylinux versions that uv knows as a --python-platform.
UV_MANYLINUX = (17, 28, *range(31, 41))


@dataclass(frozen=True, slots=True)
class Libc:
    """The C library that an image has, of which wheels need a version (PEP 600, PEP 656)."""

    family: Literal["glibc", "musl"]
    version: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.family} {self.version[0]}.{self.version[1]}"


#: PEP 600's older names for what now has a version.
_LEGACY = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}


def wheel_tags(platform: KnownPlatform, python: str, libc: Libc) -> Iterator[Tag]:
    """Tags that an interpreter accepts, best first, of those that uv takes (see uv_platform)."""
    python = minor_of(python)
    version = tuple(int(part) for part in python.split("."))
    platforms = list(_wheel_platforms(platform, libc))
    interpreter = f"cp{''.join(python.split('.'))}"
    yield from cpython_tags(version, abis=[interpreter], platforms=platforms)
    yield from compatible_tags(version, interpreter, platforms)


def uv_platform(platform: KnownPlatform, libc: Libc) -> str:
    """uv's --python-platform: the newest it knows that this libc can run."""
    if libc.family == "musl":
        return f"{platform.machine}-unknown-linux-musl"
    minor = max((minor for minor in UV_MANYLINUX if (2, minor) <= libc.version), default=17)
    return f"{platform.machine}-manylinux_2_{minor}"


def minor_of(python: str) -> str:
    """``python`` without its patch release."""
    return ".".join(python.split(".")[:2])


def marker_environment(platform: KnownPlatform, python: str) -> Environment:
    """The environment that markers are evaluated in (PEP 508), for CPython on Linux.

    ``python``: with its patch release where that is known. Where it is not, it is taken for the
    first: what a later one no longer needs is installed, and nothing that it needs is missing.
    """
    full = python if python.count(".") > 1 else f"{python}.0"
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": platform.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": full,
        "python_version": minor_of(python),
        "sys_platform": "linux",
    }


def may_hold(marker: str, platforms: Iterable[str], python: str) -> bool:
    """Tell whether ``marker`` can hold on one of ``platforms``, with a release of ``python``."""
    minor = minor_of(python)
    return not marker or any(
        Marker(marker).evaluate(cast("dict[str, str]", marker_environment(PLATFORMS[name], full)))
        for name in platforms
        for full in (f"{minor}.0", f"{minor}.99")
    )


def _wheel_platforms(platform: KnownPlatform, libc: Libc) -> Iterator[str]:
    if libc.family == "musl":
        # uv's target is musllinux_1_2, whatever is newer.
        for minor in range(min(libc.version[1], 2), -1, -1):
            yield f"musllinux_1_{minor}_{platform.machine}"
        yield f"linux_{platform.machine}"
        return
    known = UV_MANYLINUX if platform.cross else (libc.version[1],)
    # uv refuses what is newer than the platform that it is given, whatever the image could run.
    newest = max((minor for minor in known if (2, minor) <= libc.version), default=libc.version[1])
    for minor in range(newest, OLDEST_MANYLINUX[1] - 1, -1):
        yield f"manylinux_2_{minor}_{platform.machine}"
        if legacy := _LEGACY.get((2, minor)):
            yield f"{legacy}_{platform.machine}"
    yield f"linux_{platform.machine}"
