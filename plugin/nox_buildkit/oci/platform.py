"""Platforms: the value, by the rules of the OCI, and one table of those that images are built for.

Sources: OCI image specification, image-index.md (platform variants); containerd's normalisation of
architectures and variants; ELF machines of elf(5).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Names of architectures that others use → architecture and variant of the OCI.
_ALIASES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "x64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "arm64v8": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armv7": ("arm", "v7"),
    "armv7l": ("arm", "v7"),
    "arm32v7": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv6l": ("arm", "v6"),
    "i386": ("386", ""),
    "i686": ("386", ""),
    "x86": ("386", ""),
    "ppc64el": ("ppc64le", ""),
}
#: The variant that an architecture has when none is named, and the one that is not written.
_DEFAULT, _UNWRITTEN = {"arm": "v7"}, {"arm64": "v8", "amd64": "v1"}
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform in its normal form; ``str`` and ``parse`` are inverse."""

    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read ``os/architecture[/variant]``, or an architecture alone. Raises ValueError."""
        parts = text.strip().lower().split("/")
        if len(parts) == 1 or parts[0] not in ("linux", "windows", "darwin", "freebsd"):
            parts = ["linux", *parts]
        if len(parts) > 3 or not all(parts):
            raise ValueError(f"{text!r} is not a platform")
        return cls.of(dict(zip(("os", "architecture", "variant"), parts, strict=False)))

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Platform:
        """Read the properties that an index or a configuration has (image-index.md, config.md)."""
        system = str(values.get("os") or _UNKNOWN).lower()
        architecture = str(values.get("architecture") or _UNKNOWN).lower()
        variant = str(values.get("variant") or "").lower()
        architecture, implied = _ALIASES.get(architecture, (architecture, ""))
        variant = variant or implied or _DEFAULT.get(architecture, "")
        if variant.isdigit():
            variant = f"v{variant}"
        return cls(system, architecture, "" if variant == _UNWRITTEN.get(architecture) else variant)

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))

    @property
    def known(self) -> bool:
        """Tell whether it is a platform: attestations in an index have ``unknown/unknown``."""
        return _UNKNOWN not in (self.os, self.architecture)

    def to_json(self) -> dict[str, str]:
        """Return the properties of an index, in the order in which BuildKit writes them."""
        values = {"architecture": self.architecture, "os": self.os}
        return values | ({"variant": self.variant} if self.variant else {})


@dataclass(frozen=True, slots=True)
class Elf:
    """The header of programs (elf(5)): ``machine`` as a number, and ``name`` of that constant."""

    name: str
    machine: int
    bits: int = 64
    endian: str = "<"

    def header(self) -> bytes:
        """Return the first 20 bytes of an executable."""
        ident = b"\x7fELF" + bytes([self.bits // 32, 1 if self.endian == "<" else 2, 1])
        return ident.ljust(16, b"\0") + struct.pack(f"{self.endian}HH", 2, self.machine)


@dataclass(frozen=True, slots=True)
class KnownPlatform:
    """A platform that images are built for, and its names elsewhere.

    ``machine``: of ``uname -m`` and of wheel tags; ``triple``: Debian's multiarch name; ``linker``:
    flags of its libraries in ld.so.cache (glibc, dl-cache.h); ``runner``: label of a GitHub runner;
    ``uv_wheel``: end of the name of uv's wheel with the most portable program; ``uv_target``: the
    same as a ``--python-platform``, if uv knows it; ``cross``: whether uv installs for it from
    another machine; ``runs``: other platforms whose programs its processor runs.
    """

    oci: str
    machine: str
    debian: str
    triple: str
    qemu: str
    elf: Elf
    linker: int
    runner: str
    uv_wheel: str
    uv_target: str = ""
    cross: bool = False
    runs: tuple[str, ...] = ()

    @property
    def architecture(self) -> str:
        """BuildKit's TARGETARCH."""
        return self.oci.split("/")[1]


_ROWS = (
    KnownPlatform(
        "linux/amd64", "x86_64", "amd64", "x86_64-linux-gnu", "x86_64", Elf("EM_X86_64", 62),
        0x0303, "ubuntu-24.04", "musllinux_1_1_x86_64", "x86_64-unknown-linux-musl", cross=True,
        runs=("linux/386",),
    ),
    KnownPlatform(
        "linux/arm64", "aarch64", "arm64", "aarch64-linux-gnu", "aarch64", Elf("EM_AARCH64", 183),
        0x0A03, "ubuntu-24.04-arm", "musllinux_1_1_aarch64", "aarch64-unknown-linux-musl",
        cross=True, runs=("linux/arm/v7",),
    ),
    KnownPlatform(
        "linux/arm/v7", "armv7l", "armhf", "arm-linux-gnueabihf", "arm",
        Elf("EM_ARM", 40, 32), 0x0903, "ubuntu-24.04-arm", "musllinux_1_1_armv7l",
    ),
    KnownPlatform(
        "linux/riscv64", "riscv64", "riscv64", "riscv64-linux-gnu", "riscv64",
        Elf("EM_RISCV", 243), 0x1003, "ubuntu-24.04", "musllinux_1_1_riscv64",
    ),
    KnownPlatform(
        "linux/ppc64le", "ppc64le", "ppc64el", "powerpc64le-linux-gnu", "ppc64le",
        Elf("EM_PPC64", 21), 0x0503, "ubuntu-24.04", "manylinux2014_ppc64le",
    ),
    KnownPlatform(
        "linux/s390x", "s390x", "s390x", "s390x-linux-gnu", "s390x",
        Elf("EM_S390", 22, endian=">"), 0x0403, "ubuntu-24.04", "manylinux2014_s390x",
    ),
    KnownPlatform(
        "linux/386", "i686", "i386", "i386-linux-gnu", "i386", Elf("EM_386", 3, 32), 0x0003,
        "ubuntu-24.04", "musllinux_1_1_i686",
    ),
)  # fmt: skip

#: Each platform that images are built for, by its name.
PLATFORMS: Mapping[str, KnownPlatform] = {row.oci: row for row in _ROWS}


def native_platforms(machine: str) -> tuple[str, ...]:
    """Return the platforms whose programs a host runs by itself, its own one first.

    ``machine``: ``os.uname().machine`` of the host.
    """
    own = str(Platform.parse(machine))
    return (own, *PLATFORMS[own].runs) if own in PLATFORMS else (own,)


def run_by(natives: Iterable[str]) -> frozenset[str]:
    """Return the platforms whose programs machines of the known platforms ``natives`` run."""
    return frozenset(each for native in natives for each in (native, *PLATFORMS[native].runs))


def host_platform() -> str:
    """Return the platform of this machine: ``linux/amd64``."""
    return native_platforms(os.uname().machine)[0]
