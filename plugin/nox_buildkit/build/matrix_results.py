"""Results of the runners of a CI matrix: pushed by digest, told in a file, and merged.

A runner builds some platforms of an image and pushes their index without a tag. What merges takes
the images and their attestations out of these indexes, as they are, and goes on as one machine
would that had built all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.build.matrix_inputs import Inputs, inputs_of, require_one_build
from nox_buildkit.build.options import BuildOptions
from nox_buildkit.build.project import Project
from nox_buildkit.build.releasing import built_for_release, unpacked
from nox_buildkit.errors import Code, ReleaseError
from nox_buildkit.files import write_atomic
from nox_buildkit.oci.content import Index
from nox_buildkit.oci.layout import Layout
from nox_buildkit.output_files import RESULTS
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.progress import Progress
from nox_buildkit.release.fetch import fetch_manifests
from nox_buildkit.release.http_repository import repositories
from nox_buildkit.release.push import push
from nox_buildkit.release.repository import Repository
from nox_buildkit.results.model import ImageResult, PlatformResult, Publication
from nox_buildkit.results.record import Recorded, parse, serialize


def push_by_digest(
    project: Project, plan: Plan, options: BuildOptions, report: Progress
) -> tuple[ImageResult, ...]:
    """Build the images of ``plan`` and push them without a tag; write a result file for each.

    Raises NoxBuildkitError.
    """
    open_repository = repositories(report)
    results = built_for_release(project, plan, options)
    pushed = []
    for image in plan.images:
        result = results[image.name]
        layout = unpacked(project, plan, result, options.output)
        for name in image.publication.repositories:
            push(open_repository(name), layout, result.digest, report=report)
        places = image.publication.repositories
        publications = (Publication(name, result.digest) for name in places)
        result = result.published(publications, again=False)
        inputs = inputs_of(plan, image, project.root)
        _write(options.output / RESULTS, image, plan, inputs, result)
        pushed.append(result)
    return tuple(pushed)


def merged(
    project: Project, plan: Plan, files: Sequence[Path], folder: Path, report: Progress
) -> tuple[dict[str, ImageResult], dict[str, Layout]]:
    """Return the whole of each image of ``plan``, made of the results in ``files``.

    ``folder``: where their layouts are written. Raises ReleaseError, RegistryError.
    """
    open_repository = repositories(report)
    read = [_read(path, plan) for path in files]
    results, layouts = {}, {}
    for image in plan.images:
        of_image = [each for each in read if image.name in each.images]
        parts = [(each.path, each.images[image.name]) for each in of_image]
        _require_every_platform(project, image, parts)
        require_one_build(image, [(each.path, each.inputs) for each in of_image])
        layout = Layout(folder / image.name)
        repository = open_repository(image.publication.repositories[0])
        platforms = {p.platform: p for _, result in parts for p in result.platforms}
        told = {platform: platforms[platform].digest for platform in image.every_platform}
        digest = _merge(repository, layout, told, [result.digest for _, result in parts])
        ordered = tuple(platforms[platform] for platform in image.every_platform)
        results[image.name] = whole_of([result for _, result in parts], ordered, digest)
        layouts[image.name] = layout
    return results, layouts


def whole_of(
    parts: Sequence[ImageResult], platforms: tuple[PlatformResult, ...], digest: str
) -> ImageResult:
    """Return the result of the image ``digest`` with all ``platforms``, which are of ``parts``."""
    return ImageResult(
        name=parts[0].name,
        digest=digest,
        platforms=platforms,
        cached=sum(each.cached for each in parts),
        executed=sum(each.executed for each in parts),
        # Runners work at the same time.
        seconds=max(each.seconds for each in parts),
        warnings=tuple(dict.fromkeys(warning for each in parts for warning in each.warnings)),
    )


def _write(
    folder: Path,
    image: ImagePlan,
    plan: Plan,
    inputs: Mapping[str, Inputs],
    result: ImageResult,
) -> None:
    platforms = "-".join(p.replace("/", "-") for p in image.every_platform)
    recorded = json.loads(serialize({image.name: Recorded(image.digest, result)}))
    revision = plan.git.revision if plan.git else ""
    folder.mkdir(parents=True, exist_ok=True)
    common = {platform: each.to_json() for platform, each in inputs.items()}
    text = json.dumps({"revision": revision, "inputs": common, **recorded}, indent=2)
    write_atomic(folder / f"{image.name}-{platforms}.json", f"{text}\n")


@dataclass(frozen=True, slots=True)
class _File:
    """A result file: what it says of an image, and by platform of what all have in common."""

    path: Path
    images: Mapping[str, ImageResult]
    inputs: Mapping[str, Inputs]


def _read(path: Path, plan: Plan) -> _File:
    """Read a result file of the commit that is checked out."""
    try:
        content = path.read_bytes()
        document = json.loads(content)
        revision = document["revision"]
        images = {name: each.result for name, each in parse(content).items()}
        inputs = {name: Inputs.parse(each) for name, each in document["inputs"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        message = f"{path} is not the result of a runner"
        hint = "name the files of dist/results of every runner"
        raise ReleaseError(Code.MATRIX_RESULT(message, hint)) from None
    own = plan.git.revision if plan.git else ""
    if revision != own:
        message = f"{path} is of the commit {revision or 'unknown'}, and {own or 'none'} is here"
        raise ReleaseError(
            Code.MATRIX_RESULT(message, "check out the commit that the runners built")
        )
    return _File(path, images, inputs)


def _require_every_platform(
    project: Project, image: ImagePlan, parts: Iterable[tuple[Path, ImageResult]]
) -> None:
    found: dict[str, Path] = {}
    problems = []
    for path, result in parts:
        for each in result.platforms:
            if each.platform in found:
                two = f"{found[each.platform]} and {path}"
                problems.append(Code.MATRIX_RESULT(f"{image.name}: {each.platform} is in {two}"))
            found[each.platform] = path
    for platform in image.every_platform:
        if platform not in found:
            message = f"{image.name}: no result is of {platform}"
            location = project.spec.location("images", image.name, "platforms")
            problems.append(Code.MATRIX_RESULT(message, "name the files of all runners", location))
    if problems:
        raise ReleaseError(*problems)


def _merge(
    repository: Repository, layout: Layout, told: Mapping[str, str], digests: Iterable[str]
) -> str:
    """Write the images and attestations of several indexes into ``layout``, as one index.

    ``told``: platform → digest of its image, in the order of the index.
    """
    entries = [entry for d in digests for entry in Index.parse(repository.manifest(d)).manifests]
    images = {str(entry.platform): entry for entry in entries if not entry.is_attestation}
    if {platform: entry.digest for platform, entry in images.items()} != dict(told):
        message = f"{repository.name} has other images than the runners tell of"
        raise ReleaseError(Code.MATRIX_RESULT(message, "build and push them again"))
    fetch_manifests(repository, entries, layout)
    ordered = (images[platform] for platform in told)
    return layout.finish((*ordered, *(entry for entry in entries if entry.is_attestation)))
