"""What a platform means to Python: markers and wheel tags (PEP 508, PEP 425, PEP 600)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.markers import Environment
from packaging.tags import Tag, compatible_tags, cpython_tags

#: The oldest glibc that a manylinux tag with a version can name.
OLDEST_MANYLINUX = (2, 5)

#: The newest manylinux that uv knows as a --python-platform.
NEWEST_UV_MANYLINUX = (2, 40)

#: manylinux versions that uv knows as a --python-platform.
UV_MANYLINUX = (17, 28, *range(31, 41))


@dataclass(frozen=True, slots=True)
class Platform:
    """An OCI platform and its names elsewhere."""

    oci: str
    machine: str
    runner: str

    @property
    def architecture(self) -> str:
        """BuildKit's TARGETARCH."""
        return self.oci.split("/")[1]


PLATFORMS = {
    platform.oci: platform
    for platform in (
        Platform("linux/amd64", "x86_64", "ubuntu-24.04"),
        Platform("linux/arm64", "aarch64", "ubuntu-24.04-arm"),
    )
}

#: PEP 600's older names for what now has a version.
_LEGACY = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}


def wheel_tags(platform: Platform, python: str, glibc: tuple[int, int]) -> Iterator[Tag]:
    """Tags that an interpreter accepts, best first; never newer than uv can be asked for."""
    version = tuple(int(part) for part in python.split("."))
    platforms = list(_wheel_platforms(platform, min(glibc, NEWEST_UV_MANYLINUX)))
    interpreter = f"cp{''.join(python.split('.'))}"
    yield from cpython_tags(version, abis=[interpreter], platforms=platforms)
    yield from compatible_tags(version, interpreter, platforms)


def uv_platform(platform: Platform, glibc: tuple[int, int]) -> str:
    """uv's --python-platform: the newest it knows that this glibc can run."""
    minor = max((minor for minor in UV_MANYLINUX if (2, minor) <= glibc), default=17)
    return f"{platform.machine}-manylinux_2_{minor}"


def marker_environment(platform: Platform, python: str) -> Environment:
    """The environment that markers are evaluated in (PEP 508), for CPython on Linux."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": platform.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }


def _wheel_platforms(platform: Platform, glibc: tuple[int, int]) -> Iterator[str]:
    for minor in range(glibc[1], OLDEST_MANYLINUX[1] - 1, -1):
        yield f"manylinux_2_{minor}_{platform.machine}"
        if legacy := _LEGACY.get((2, minor)):
            yield f"{legacy}_{platform.machine}"
    yield f"linux_{platform.machine}"
