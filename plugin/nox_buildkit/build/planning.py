"""The plan of a build, and the results of an earlier one that still hold.

All that a run needs that finds nothing to do: what builds is imported by whoever has to build.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nox_buildkit.build import records
from nox_buildkit.build.fresh_locks import fresh_sources
from nox_buildkit.build.options import BuildOptions
from nox_buildkit.build.project import Project, plan_project
from nox_buildkit.errors import Code, PlanError
from nox_buildkit.file_digests import FileDigests
from nox_buildkit.output_files import archive_name, output_files
from nox_buildkit.plan.plan import Plan
from nox_buildkit.report.console import downloads
from nox_buildkit.results import record
from nox_buildkit.results.model import Archive, ImageResult


def plan_build(project: Project, options: BuildOptions, *, builds: bool = True) -> Plan:
    """Return the plan of a build, with locks and facts brought up to date. Raises PlanError.

    ``builds``: this run is going to build what has changed.
    """
    with downloads() as report:
        with project.watch.step("lock"):
            sources = fresh_sources(project, report)
        return plan_project(
            project,
            sources,
            report,
            exclude=output_files(options.output, project.spec.images),
            pull=options.pull,
            builds=builds,
        )


def unchanged(plan: Plan, output: Path) -> dict[str, ImageResult]:
    """Return the results of the last build of the same plans whose files are as it left them."""
    known = records.read(output / record.BUILD, tell=True)
    digests = FileDigests(output, "archives")
    found = {}
    for image in plan.images:
        last, target = known.get(image.name), output / archive_name(image.name)
        if last and last.plan == image.digest and _is_archive(target, last.result.archive, digests):
            # That run may have been in another folder.
            found[image.name] = replace(last.result, output=from_here(target))
    digests.keep()
    return found


def from_here(path: Path) -> str:
    """Return ``path``, relative to the current folder."""
    return os.path.relpath(path, Path.cwd())


def _is_archive(target: Path, archive: Archive, digests: FileDigests) -> bool:
    """Tell whether the file ``target`` is ``archive``, all of it; ``digests``: of such files."""

    def read() -> str:
        with target.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    try:
        status = target.stat()
        same = status.st_size == archive.size
        return same and digests.of(str(target), status, read) == archive.sha256
    except OSError:
        return False


def record_results(path: Path, plan: Plan, results: Sequence[ImageResult]) -> None:
    """Write ``results`` of ``plan`` to the record ``path``."""
    records.write(path, results, {image.name: image.digest for image in plan.images})


def require_repositories(project: Project, plan: Plan) -> None:
    """Refuse images that have no repository to be published in. Raises PlanError."""
    for image in plan.images:
        if not image.publication.repositories:
            raise PlanError(
                Code.NO_REGISTRY(
                    f"{project.file.name} names no registry to publish {image.name} in",
                    "add 'registry: ghcr.io/NAME', or run with '--set registry=...'",
                    project.spec.location("images", image.name),
                )
            )


def require_tags(plan: Plan) -> None:
    """Refuse images that no tag of theirs is for, as they are here. Raises PlanError."""
    for image in plan.images:
        if not image.references:
            skipped = image.publication.skipped
            reasons = "; ".join(f"'{each.template}': {each.why}" for each in skipped)
            message = f"{image.name} has no tag here ({reasons})"
            raise PlanError(Code.TAG_TEMPLATE(message, "add one to 'tags' that it always has"))
