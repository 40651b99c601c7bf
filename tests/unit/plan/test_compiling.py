"""How packages without a wheel are compiled, by platform."""

from __future__ import annotations

from nox_buildkit.plan.base import DebianRelease
from nox_buildkit.plan.compiling import compilations
from nox_buildkit.plan.facts import CrossCompiler, InspectedBase
from nox_buildkit.plan.packages import Package, PlatformPackages
from nox_buildkit.plan.wheel_platforms import Libc

BASE = InspectedBase(
    name="debian",
    source=DebianRelease("trixie"),
    digest="",
    platforms=frozenset({"linux/amd64"}),
    libc=Libc("glibc", (2, 41)),
)
CROSS = {
    "linux/arm64": CrossCompiler(BASE),
    "linux/riscv64": CrossCompiler(None, "it has none"),
}


def _packages(*platforms: str) -> list[PlatformPackages]:
    compiled = [
        Package(name, "1", "native", f"{name}-1.tar.gz", "0" * 64, compiled=True)
        for name in ("one", "two")
    ]
    wheel = Package("three", "1", "native", "three-1-cp313-cp313-linux.whl", "1" * 64)
    return [PlatformPackages(platform, "", (*compiled, wheel)) for platform in platforms]


def test_each_package_is_compiled_natively_or_across_or_emulated_for_a_reason() -> None:
    platforms = _packages("linux/amd64", "linux/386", "linux/arm64", "linux/riscv64", "linux/s390x")
    found = compilations(platforms, ["linux/amd64"], CROSS, emulated=["two"])
    assert [(x.platform, x.name, x.method, x.why) for x in found] == [
        ("linux/amd64", "one", "native", ""),
        ("linux/amd64", "two", "native", ""),
        # Its processor runs it.
        ("linux/386", "one", "native", ""),
        ("linux/386", "two", "native", ""),
        ("linux/arm64", "one", "cross", ""),
        ("linux/arm64", "two", "emulated", "the spec says so"),
        ("linux/riscv64", "one", "emulated", "it has none"),
        ("linux/riscv64", "two", "emulated", "the spec says so"),
        ("linux/s390x", "one", "emulated", "no cross compilers are known for its base"),
        ("linux/s390x", "two", "emulated", "the spec says so"),
    ]
