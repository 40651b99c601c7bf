"""Ways to compile packages without a wheel, decided before the build."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nox_buildkit.oci.platform import run_by
from nox_buildkit.plan.facts import CrossCompiler
from nox_buildkit.plan.packages import Package, PlatformPackages

#: On a machine of the platform; for it on the machine that builds; on a machine that is emulated.
Method = Literal["native", "cross", "emulated"]

_SPEC = "the spec says so"


@dataclass(frozen=True, slots=True)
class Compilation:
    """The way in which the package ``name`` is compiled for ``platform``.

    ``why``: the reason for emulation; what does not cross-compile is emulated, too.
    """

    platform: str
    name: str
    method: Method
    why: str = ""


def compilations(
    platforms: Sequence[PlatformPackages],
    native: Sequence[str],
    cross: Mapping[str, CrossCompiler],
    emulated: Container[str] = (),
) -> tuple[Compilation, ...]:
    """Decide how the packages of ``platforms`` are compiled on machines of ``native``.

    ``emulated``: names of those that are not cross-compiled.
    """
    return tuple(_compilations(platforms, native, cross, emulated))


def _compilations(
    platforms: Sequence[PlatformPackages],
    native: Sequence[str],
    cross: Mapping[str, CrossCompiler],
    emulated: Container[str],
) -> Iterator[Compilation]:
    own = run_by(native)
    for one in platforms:
        for package in one.compiled:
            method, why = _method(package, one.platform in own, cross.get(one.platform), emulated)
            yield Compilation(one.platform, package.name, method, why)


def _method(
    package: Package, native: bool, cross: CrossCompiler | None, emulated: Container[str]
) -> tuple[Method, str]:
    if native:
        return "native", ""
    if package.name in emulated:
        return "emulated", _SPEC
    if cross is None or cross.base is None:
        return "emulated", cross.why if cross else "no cross compilers are known for its base"
    return "cross", ""
