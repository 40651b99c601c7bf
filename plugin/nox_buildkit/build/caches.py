"""Layer caches that survive a machine, by image and platforms.

BuildKit replaces a cache as a whole, and the last writer wins (docker/build-push-action#1087). So
what builds some platforms of an image has a cache of its own, and reads those of all others.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nox_buildkit.build.local_caches import is_whole, take_place
from nox_buildkit.build.project import Project
from nox_buildkit.buildspec.model.cache import Cache
from nox_buildkit.engine.buildkit import Engine
from nox_buildkit.engine.flags.cache import CacheEntry
from nox_buildkit.engine.flags.fields import Fields
from nox_buildkit.files import remove
from nox_buildkit.oci.references import ImageReference
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.report.console import say

#: What GitHub's cache needs; plain steps of a workflow do not have it.
_GITHUB = ("ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL")

#: For an answer of a registry, in seconds.
_PATIENCE = 10

#: Longest tag (OCI distribution specification, pulling manifests).
_TAG = 128


@dataclass(frozen=True, slots=True)
class Caches:
    """Options of each target by name; ``folders``: of this machine, that are read or written.

    ``local``: where BuildKit writes a cache → where it is kept.
    """

    reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    writes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    local: Mapping[Path, Path] = field(default_factory=dict)

    def without(self, *, writing: bool) -> Caches:
        """Return those that are only read, or only written."""
        return replace(self, writes={}) if writing else replace(self, reads={})

    def keep(self) -> None:
        """Put what was written to folders of this machine in its place."""
        for written, kept in self.local.items():
            take_place(written, kept)


def caches_of(
    project: Project, plan: Plan, engine: Engine, exports: Path, *, export: bool, read: bool
) -> Caches:
    """Return where the targets of ``plan`` read their layer caches from, and write them to.

    ``exports``: the folder for what is written on this machine.
    """
    entries: dict[str, list[str]] = {}
    writes, folders, local = {}, [], {}
    for image in plan.every_image:
        stated = project.spec.images[image.name].layer_cache
        if stated is None or not _usable(image, stated, engine):
            continue
        names = _names(image, project.spec.images[image.name].platforms)
        found = [_read(project, image, stated, name) for name in names] if read else []
        entries[image.name] = [str(entry) for entry in found if entry]
        if stated.folder:
            folders.append(str(project.root / stated.folder))
        if export and image in plan.images:
            written = exports / _entry(image, names[0])
            writes[image.name] = (str(_write(image, stated, names[0], written)),)
            if stated.folder:
                remove(written)
                local[written] = _folder(project, image, stated, names[0])
    return Caches(_of_targets(plan, entries), writes, tuple(folders), local)


def _names(image: ImagePlan, every: Sequence[str]) -> tuple[str, ...]:
    """Return names of sets of platforms: first that of ``image``, then all that may be read."""
    sets = [image.every_platform, every, *((platform,) for platform in every)]
    return tuple(dict.fromkeys("-".join(map(_word, sorted(platforms))) for platforms in sets))


def _of_targets(plan: Plan, entries: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return what each target reads: the caches of its image, and of those that build on it.

    bake solves what an image is built from before it, as a target of its own.
    """
    known = {image.name: image for image in plan.every_image}
    found: dict[str, dict[str, None]] = {name: {} for name in known}
    for image in plan.every_image:
        waiting = [image.name]
        while waiting:
            name = waiting.pop()
            found[name] |= dict.fromkeys(entries.get(image.name, ()))
            waiting += known[name].parents
    return {
        target.name: tuple(found[image.name])
        for image in plan.every_image
        for target in image.targets
        if found[image.name]
    }


def _usable(image: ImagePlan, stated: Cache, engine: Engine) -> bool:
    """Tell whether a cache can be used here; say why it cannot."""
    why = ""
    missing = [name for name in _GITHUB if not os.environ.get(name)]
    if stated.type == "gha" and missing:
        why = (
            f"for a step of GitHub without {' and '.join(missing)}; export them "
            "(crazy-max/ghaction-github-runtime, or core.exportVariable in actions/github-script)"
        )
    elif stated.type == "s3" and engine.driver == "docker":
        why = (
            "since dockerd's own BuildKit has no 's3'; take a builder of its own "
            "(docker buildx create --driver docker-container --use)"
        )
    elif stated.type == "registry":
        repository = stated.ref or image.publication.repository
        why = _silent(repository) if repository else "since neither 'ref' nor 'registry' is set"
    if why:
        say(f"warning: {image.name}: no layer cache, {why}")
    return not why


def _silent(repository: str) -> str:
    """Return why a registry is no cache: BuildKit waits for its answer for ever (0.30)."""
    host = ImageReference.parse(repository.replace("{image}", "image")).registry
    return f"since the registry {host} does not answer in {_PATIENCE} s" if _hangs(host) else ""


@functools.cache
def _hangs(host: str) -> bool:
    # Most builds have no cache in a registry, and need no HTTP client.
    from nox_buildkit.release.transport import Transport  # noqa: PLC0415

    return Transport(host).is_silent(_PATIENCE)


def _word(platform: str) -> str:
    return platform.replace("/", "-")


def _entry(image: ImagePlan, name: str) -> str:
    # No name of an image has a dot, so no two of them make the same of this.
    return f"{image.name}.{name}"


def _folder(project: Project, image: ImagePlan, stated: Cache, name: str) -> Path:
    return project.root / stated.folder / _entry(image, name)


def _reference(image: ImagePlan, stated: Cache, name: str) -> str:
    stated_ref = stated.ref or image.publication.repository or ""
    repository = stated_ref.replace("{image}", image.name)
    # Images may share a repository that is not made of their names.
    shared = stated.ref is not None and repository == stated.ref
    tag = f"buildcache-{_entry(image, name) if shared else name}"
    if len(tag) > _TAG:
        tag = f"{tag[: _TAG - 13]}-{hashlib.sha256(tag.encode()).hexdigest()[:12]}"
    return f"{repository}:{tag}"


def _place(image: ImagePlan, stated: Cache, name: str) -> Sequence[tuple[str, str]]:
    match stated.type:
        case "registry":
            return (("ref", _reference(image, stated, name)),)
        case "gha":
            return (("scope", _entry(image, name)),)
        case _:
            known = (
                ("bucket", stated.bucket),
                ("region", stated.region),
                ("prefix", stated.prefix),
                ("endpoint_url", stated.endpoint),
            )
            return (*((k, value) for k, value in known if value), ("name", _entry(image, name)))


def _read(project: Project, image: ImagePlan, stated: Cache, name: str) -> CacheEntry | None:
    if not stated.folder:
        return CacheEntry(stated.type, tuple(_place(image, stated, name)))
    folder = _folder(project, image, stated, name)
    if not folder.exists():
        return None
    if not is_whole(folder):
        say(f"warning: {image.name}: the layer cache in {folder} is damaged: it is not read")
        return None
    return CacheEntry("local", (("src", str(folder)),))


def _write(image: ImagePlan, stated: Cache, name: str, written: Path) -> CacheEntry:
    common: Fields = (("mode", stated.mode), ("ignore-error", "true"))
    # Layers of the image are taken as they are; others, of stages, are compressed for the cache.
    compression = ("compression", image.compression)
    if stated.folder:
        return CacheEntry("local", (("dest", str(written)), *common, compression))
    if stated.type == "registry":
        common = (*common, compression, ("oci-mediatypes", "true"), ("image-manifest", "true"))
    return CacheEntry(stated.type, (*_place(image, stated, name), *common))
