"""Advice after a package could not be compiled: the Pythons for which it has a wheel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nox_buildkit.bases.presets import PYTHONS
from nox_buildkit.build.project import Project
from nox_buildkit.errors import BuildError
from nox_buildkit.lock.newest_versions import has_wheel
from nox_buildkit.lock.requirement_sets import sources_of
from nox_buildkit.lock.source import Source
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.packages import Package
from nox_buildkit.plan.plan import Plan


def wheel_hints(project: Project, plan: Plan, error: BuildError) -> dict[str, str]:
    """Return hints by what a problem of ``error`` is about: ``name==version`` of a package.

    The index is asked, which takes a second or two, and only after a failure.
    """
    failed = {problem.about for problem in error.problems}
    hints: dict[str, str] = {}
    for target, platform, wheel_platform, package in _compiled(plan):
        about = f"{package.name}=={package.version}"
        if about not in failed or about in hints or package.path or package.url:
            continue
        source = _source(project, target)
        if source is None:
            continue
        pythons = [p for p in reversed(PYTHONS) if has_wheel(source, about, p, wheel_platform)]
        if pythons:
            hints[about] = (
                f"{package.name} {package.version} has wheels for Python {_spread(pythons)} on "
                f"{platform}: write 'python: \"{pythons[-1]}\"'"
            )
    return hints


def _source(project: Project, image: ImagePlan) -> Source | None:
    sources = sources_of(project.spec, project.root, project.images)
    names = ((target, source) for target, source in sources.items() if source)
    return next((s for target, s in names if image.name in (target.name, target.image)), None)


def _compiled(plan: Plan) -> Iterator[tuple[ImagePlan, str, str, Package]]:
    for target in plan.targets:
        for one in target.packages.platforms:
            for package in one.compiled:
                yield target, one.platform, one.wheel_platform, package


def _spread(pythons: Sequence[str]) -> str:
    """Return ``3.9-3.12`` or ``3.10, 3.12`` for versions in their order."""
    minors = [int(python.split(".")[1]) for python in pythons]
    whole = minors == list(range(minors[0], minors[-1] + 1))
    return f"{pythons[0]}-{pythons[-1]}" if whole and len(minors) > 2 else ", ".join(pythons)
