"""The steps of a release: plan, ask the registries, build, publish, record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nox_buildkit.build.archive import unpack
from nox_buildkit.build.attesting import (
    Approver,
    form_of,
    provenance_modes,
    with_statements,
)
from nox_buildkit.build.baking import work_folder
from nox_buildkit.build.options import BuildOptions
from nox_buildkit.build.pipeline import build_images
from nox_buildkit.build.planning import record_results, require_tags, unchanged
from nox_buildkit.build.project import Project
from nox_buildkit.build.pushing import origins_of
from nox_buildkit.build.size_changes import size_changes
from nox_buildkit.build.testing import Tester
from nox_buildkit.build.verification import require_verified
from nox_buildkit.errors import Code, ReleaseError
from nox_buildkit.files import private_dir, remove
from nox_buildkit.oci.layout import Layout
from nox_buildkit.output_files import archive_name
from nox_buildkit.plan.facts import GitFacts
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.progress import Progress
from nox_buildkit.release.http_repository import repositories
from nox_buildkit.release.journal import NAME, Journal
from nox_buildkit.release.moves import Move, moves_of
from nox_buildkit.release.publish import (
    Candidate,
    Destination,
    Open,
    destinations_of,
    known_tags,
    publish,
)
from nox_buildkit.results import record
from nox_buildkit.results.model import ImageResult, Publication


def released_commit(plan: Plan, *, allow_dirty: bool) -> GitFacts | None:
    """Return the commit as the rules for tags are to see it."""
    return replace(plan.git, dirty=False) if plan.git and allow_dirty else plan.git


def planned_moves(
    plan: Plan, git: GitFacts | None, open_repository: Open, digests: dict[str, str]
) -> dict[str, tuple[Move, ...]]:
    """Return which tags of each image would move; ``digests``: of what was built, by image.

    Raises RegistryError.
    """
    found: dict[str, tuple[Move, ...]] = {}
    for image in plan.images:
        publication = image.publication
        found[image.name] = tuple(
            move
            for name in publication.repositories
            for move in moves_of(
                publication,
                known_tags(publication, open_repository(name)),
                git,
                digests.get(image.name),
            )
        )
    return found


def release_images(
    project: Project,
    plan: Plan,
    options: BuildOptions,
    git: GitFacts | None,
    report: Progress,
) -> tuple[ImageResult, ...]:
    """Build, publish and tag the images of ``plan``; return what is published.

    Raises NoxBuildkitError; as long as not everything is approved, no tag has moved.
    """
    release = Release(project, plan, options.output, git, report)
    release.require_something()
    results = built_for_release(project, plan, options)
    layouts = {n: unpacked(project, plan, each, options.output) for n, each in results.items()}
    return release.publish(results, layouts)


@dataclass
class Release:
    """A release of the images of ``plan``, wherever they were built; ``output``: for its records.

    Mistakes of the spec are raised (ReleaseError) before anything is done.
    """

    project: Project
    plan: Plan
    output: Path
    git: GitFacts | None
    report: Progress

    def __post_init__(self) -> None:
        self.open_repository = repositories(self.report)
        self._tester = Tester(self.project, self.plan, self.report)
        self._approver = Approver(self.project, self.plan, self.report)

    def require_something(self) -> None:
        """Refuse a release that would move no tag at all. Raises NoxBuildkitError."""
        require_tags(self.plan)
        _require_something(planned_moves(self.plan, self.git, self.open_repository, {}))

    def publish(
        self, results: Mapping[str, ImageResult], layouts: Mapping[str, Layout]
    ) -> tuple[ImageResult, ...]:
        """Attest, check, push, test, sign and tag what was built; return what is published."""
        candidates = [
            self._candidate(image, results[image.name], layouts[image.name])
            for image in self.plan.images
        ]
        checked = {each.image: (each.layout, each.digest) for each in candidates}
        for warning in require_verified(self.project.spec, self.plan, checked):
            self.report.message(f"warning: {warning}")
        destinations = destinations_of(candidates, self.open_repository, self.git)
        for line in size_changes(destinations):
            self.report.message(line)
        journal = Journal(self.output / NAME)
        publish(destinations, [self._tester, self._approver], journal, self.report)
        named = (results[image.name] for image in self.plan.images)
        published = tuple(_published(result, destinations) for result in named)
        record_results(self.output / record.RELEASE, self.plan, published)
        return published

    def _candidate(self, image: ImagePlan, result: ImageResult, layout: Layout) -> Candidate:
        spec = self.project.spec
        form = form_of(image, spec.images[image.name].attest.form, self.open_repository)
        digest = with_statements(spec, self.plan, image, (layout, result.digest), form)
        origins = origins_of(self.plan, image, result.platforms)
        return Candidate(image.name, layout, digest, image.publication, origins)


def _require_something(moves: dict[str, tuple[Move, ...]]) -> None:
    """Refuse a release that would move no tag at all, before anything is built."""
    every = [move for each in moves.values() for move in each]
    if all(move.verdict == "keep" for move in every):
        reasons = dict.fromkeys(f"{move.reference}: {move.why}" for move in every)
        raise ReleaseError(
            *(Code.NOTHING_TO_RELEASE(reason) for reason in reasons),
            Code.NOTHING_TO_RELEASE(
                "there is nothing to release", "commit, and tag the commit: git tag vX.Y.Z"
            ),
        )


def built_for_release(
    project: Project, plan: Plan, options: BuildOptions
) -> dict[str, ImageResult]:
    """Build what changed, with provenance where the spec wants it. Raises BuildError."""
    modes = provenance_modes(project.spec, plan)
    results = {} if options.no_cache else unchanged(plan, options.output)
    for name in modes.keys() & results.keys():
        layout = unpacked(project, plan, results[name], options.output)
        if not any(e.is_attestation for e in layout.index(results[name].digest).manifests):
            # It was built for another purpose.
            del results[name]
    stale = plan.without(results)
    if stale.images:
        wanted = {image.name: modes[image.name] for image in stale.images if image.name in modes}
        built = build_images(project, stale, options, provenance=wanted)
        record_results(options.output / record.BUILD, stale, list(built.values()))
        results |= built
    return results


def unpacked(project: Project, plan: Plan, result: ImageResult, output: Path) -> Layout:
    """Return the OCI layout of a result, out of its file."""
    folder = work_folder(project.root, plan) / "release" / result.name
    layout, file = Layout(folder), output / archive_name(result.name)
    if layout.is_whole(result.digest):
        return layout
    remove(folder)
    private_dir(folder.parent)
    unpack(file, private_dir(folder))
    if not layout.is_whole(result.digest):
        message = f"{file} is not the image that {record.BUILD} tells of"
        raise ReleaseError(Code.OUTPUT(message, "remove it, and run it again"))
    return layout


def _published(result: ImageResult, destinations: Sequence[Destination]) -> ImageResult:
    own = [each for each in destinations if each.candidate.image == result.name]
    publications = (
        Publication(
            each.repository.name,
            each.candidate.digest,
            tuple(move.tag for move in each.moves if move.verdict in ("new", "move", "same")),
            tuple((move.tag, move.why) for move in each.moves if move.verdict == "keep"),
        )
        for each in own
    )
    moved = any(move.verdict in ("new", "move") for each in own for move in each.moves)
    return result.published(publications, again=not moved)
