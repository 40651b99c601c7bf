"""The images that compile for a platform on a machine of another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nox_buildkit.bases.assembled_bases import BaseContents
from nox_buildkit.bases.debian_release import release_for
from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.facts.base_images import Bases
from nox_buildkit.facts.image_bases import Scope
from nox_buildkit.oci.platform import PLATFORMS, run_by
from nox_buildkit.plan.facts import CrossCompiler, LocalWheel, LockFacts
from nox_buildkit.plan.package_selection import needs_compiling


def cross_compilers(
    target: Target,
    scope: Scope,
    bases: Bases,
    lock: LockFacts | None,
    local: Sequence[LocalWheel],
) -> dict[str, CrossCompiler]:
    """Return what compiles for each platform of ``target`` that has no wheel of some package.

    Platforms that machines which build run themselves need none. Raises PlanError, EngineError.
    """
    own = run_by(scope.native)
    asked = [p for p in target.platforms if not scope.platforms or p in scope.platforms]
    every = any(wheel.compiled for wheel in local)
    coverage = lock.coverage if lock else {}
    return {
        platform: _for(platform, target, scope, bases)
        for platform in asked
        if platform not in own
        and (every or needs_compiling({platform: coverage.get(platform, ())}))
    }


def _for(platform: str, target: Target, scope: Scope, bases: Bases) -> CrossCompiler:
    image = target.root.variant
    if "debian" not in (image.base, image.build_base):
        return CrossCompiler(None, "only base 'debian' has cross compilers")
    if len(scope.native) > 1:
        return CrossCompiler(None, "the machines that build are of several platforms")
    if PLATFORMS[platform].elf.endian != PLATFORMS[scope.native[0]].elf.endian:
        # Python, which builds ask for it, has that of the machine it runs on.
        return CrossCompiler(None, "its byte order is another one")
    if platform not in release_for(image.python).platforms:
        return CrossCompiler(None, "its Debian has no packages for it")
    run_time = image.apt if image.base == "debian" else ()
    names = tuple(dict.fromkeys((*run_time, *target.build_apt)))
    contents = BaseContents(names, compilers=True, target=platform)
    try:
        base = bases.of_debian(image.python, scope.native, contents)
    except EngineError as error:
        if any(problem.code is not Code.DEBIAN_PACKAGE for problem in error.problems):
            raise
        # Not every library can be installed for two architectures at once.
        return CrossCompiler(None, error.problems[0].message, unexpected=True)
    # What is said of the base of the image is said once.
    return CrossCompiler(replace(base, name=f"debian for {platform}", warnings=()))
