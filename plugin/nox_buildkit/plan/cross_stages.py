"""The stages that compile a package for another platform than that of the machine they run on.

BuildKit knows no stage that runs only if another one failed. So a stage that cross-compiles always
ends well, and the stage of the platform itself takes the wheel from it, or compiles where there is
none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.base import cross_name
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import MakeWheel, Requirements
from nox_buildkit.plan.packages import Package
from nox_buildkit.plan.stages import CROSS, MADE, ByArchitecture, Stage, compiling_stage

#: The stage from which platforms take that nothing was made before.
NOTHING = "no-wheels"


def crossed_platforms(
    image: ImagePlan, package: Package, platforms: Sequence[str]
) -> tuple[str, ...]:
    """Return those of ``platforms`` that ``package`` is cross-compiled for."""
    crossed = {(x.platform, x.name) for x in image.compilations if x.method == "cross"}
    return tuple(platform for platform in platforms if (platform, package.name) in crossed)


def cross_stages(
    package: Package, platforms: Sequence[str], crossed: Sequence[str], made: str
) -> Iterator[Stage]:
    """Yield the stages that compile ``package`` for ``crossed``, and what ``platforms`` take.

    ``made``: the stage that may have made its wheel on the machine that builds.
    """
    for platform in crossed:
        operation = MakeWheel(
            Requirements("sdist", (("", (package,)),)), "build", made=made, cross=platform
        )
        yield Stage(_stage(package, platform), cross_name(platform), (operation,))
    taken = tuple(
        (
            PLATFORMS[platform].architecture,
            _stage(package, platform) if platform in crossed else made or NOTHING,
        )
        for platform in platforms
    )
    name = compiling_stage(MADE, package)
    yield Stage(name, ByArchitecture(name, "target", taken), machine="target")


def _stage(package: Package, platform: str) -> str:
    return compiling_stage(f"{CROSS}{PLATFORMS[platform].architecture}-", package)
