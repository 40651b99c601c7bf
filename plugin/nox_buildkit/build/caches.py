"""Layer caches that survive a machine, by image and platforms.

BuildKit replaces a cache as a whole, and the last writer wins (docker/build-push-action#1087). So
what builds some platforms of an image has a cache of its own, and reads those of all others.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nox_buildkit.build.project import Project
from nox_buildkit.buildspec.model.cache import Cache
from nox_buildkit.engine.flags.cache import CacheEntry
from nox_buildkit.engine.flags.fields import Fields
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.report.console import say

#: What GitHub's cache needs; plain steps of a workflow do not have it.
_GITHUB = ("ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL")


@dataclass(frozen=True, slots=True)
class Caches:
    """Options of each image by name; ``folders``: of this machine, that are read or written."""

    reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    writes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folders: tuple[str, ...] = ()


def caches_of(project: Project, plan: Plan, *, export: bool) -> Caches:
    """Return where the images of ``plan`` read their layer caches from, and write them to."""
    reads, writes, folders = {}, {}, []
    for image in plan.images:
        stated = project.spec.images[image.name].cache
        if stated is None or not _usable(image, stated):
            continue
        every = project.spec.images[image.name].platforms
        sets = [image.every_platform, every, *((platform,) for platform in every)]
        names = dict.fromkeys("-".join(map(_word, platforms)) for platforms in sets)
        found = [_read(project, image, stated, name) for name in names]
        reads[image.name] = tuple(str(entry) for entry in found if entry)
        if export:
            writes[image.name] = (str(_write(project, image, stated, next(iter(names)))),)
        if stated.path:
            folders.append(str(project.root / stated.path))
    return Caches(reads, writes, tuple(folders))


def _usable(image: ImagePlan, stated: Cache) -> bool:
    """Tell whether a cache can be used here; say why it cannot."""
    missing = [name for name in _GITHUB if not os.environ.get(name)]
    if stated.type == "gha" and missing:
        say(
            f"warning: {image.name}: no layer cache, for a step of GitHub without "
            f"{' and '.join(missing)}; export them (crazy-max/ghaction-github-runtime)"
        )
        return False
    if stated.type == "registry" and not (stated.ref or image.publication.repository):
        say(f"warning: {image.name}: no layer cache, since neither 'ref' nor 'registry' is set")
        return False
    return True


def _word(platform: str) -> str:
    return platform.replace("/", "-")


def _folder(project: Project, image: ImagePlan, stated: Cache, name: str) -> Path:
    return project.root / (stated.path or ".") / f"{image.name}-{name}"


def _place(image: ImagePlan, stated: Cache, name: str) -> Sequence[tuple[str, str]]:
    scope = f"{image.name}-{name}"
    match stated.type:
        case "registry":
            repository = (stated.ref or image.publication.repository or "").replace(
                "{image}", image.name
            )
            return (("ref", f"{repository}:buildcache-{name}"),)
        case "gha":
            return (("scope", scope),)
        case _:
            known = (
                ("bucket", stated.bucket),
                ("region", stated.region),
                ("prefix", stated.prefix),
                ("endpoint_url", stated.endpoint),
            )
            return (*((key, value) for key, value in known if value), ("name", scope))


def _read(project: Project, image: ImagePlan, stated: Cache, name: str) -> CacheEntry | None:
    if stated.type != "local":
        return CacheEntry(stated.type, tuple(_place(image, stated, name)))
    folder = _folder(project, image, stated, name)
    # buildx takes a folder without an index for a mistake.
    known = (folder / "index.json").exists()
    return CacheEntry("local", (("src", str(folder)),)) if known else None


def _write(project: Project, image: ImagePlan, stated: Cache, name: str) -> CacheEntry:
    common: Fields = (("mode", stated.mode), ("ignore-error", "true"))
    if stated.type == "local":
        folder = _folder(project, image, stated, name)
        return CacheEntry("local", (("dest", str(folder)), *common))
    if stated.type == "registry":
        common = (*common, ("oci-mediatypes", "true"), ("image-manifest", "true"))
    return CacheEntry(stated.type, (*_place(image, stated, name), *common))
