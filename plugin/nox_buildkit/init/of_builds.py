"""Images of builds that a compose or bake file states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nox_buildkit.init.builds import DOCKERFILE, Build, Builds
from nox_buildkit.init.dockerfile.reading import read_dockerfile
from nox_buildkit.init.folder import Place, images_of_folder
from nox_buildkit.init.lookup import is_file, is_folder
from nox_buildkit.init.proposal import Proposal, ProposedImage, image_name, without_command
from nox_buildkit.init.requirements import read_tables
from nox_buildkit.init.stated import Stated
from nox_buildkit.init.with_stated import with_service


def images_of_builds(place: Place, builds: Builds) -> Proposal:
    """Return an image for each build of Python, and groups of them."""
    notes = list(builds.notes)
    images: dict[str, ProposedImage] = {}
    for build in builds.builds:
        if image := _image(place, build, notes):
            images[build.name] = image
    made = {name: image_name(name) for name in images}
    named = [_on_parent(image, made) for image in images.values()]
    groups = {
        name: [made[member] for member in members if member in made]
        for name, members in builds.groups.items()
        if name not in made.values()
    }
    wanted = {image_name(name): members for name, members in groups.items() if members}
    return Proposal(tuple(named), tuple(dict.fromkeys(notes)), wanted)


def _image(place: Place, build: Build, notes: list[str]) -> ProposedImage | None:
    context = build.context.removeprefix("./").rstrip("/") or "."
    below = place.inside(context)
    if "://" in context or context.startswith(("/", "..")) or not is_folder(below.folder):
        notes.append(f"{build.where}: {build.name}: not taken over: {context} is no folder here")
        return None
    found, problem = _dockerfile(below, build)
    if problem:
        notes.append(f"{build.where}: {build.name}: {problem}")
        return None
    proposal = images_of_folder(below, found)
    notes += proposal.notes
    empty = ProposedImage("", "", {} if context == "." else {"context": context})
    first = replace(
        next(iter(proposal.images), empty), name=image_name(build.name), why=_why(build, found)
    )
    image = with_service(first, _versioned(below, build.keys), build.where, notes)
    notes += without_command([image], build.where)
    parent = build.parents.get(found.base, "") if found else ""
    return replace(image, keys={"base": parent, **image.keys}) if parent else image


def _dockerfile(place: Place, build: Build) -> tuple[Stated | None, str]:
    """Return what the Dockerfile says, and why the build is no image of Python."""
    path = place.folder / build.dockerfile
    if not build.inline and not is_file(path):
        stated = build.dockerfile != DOCKERFILE
        return None, f"not taken over: there is no {build.dockerfile}" if stated else ""
    text = build.inline or path.read_text(encoding="utf-8", errors="replace")
    name = path.name if place.below == "." else f"{place.below}/{build.dockerfile}"
    if build.inline:
        name = f"{build.where} (dockerfile)"
    found = read_dockerfile(text, place.folder, name, build.target, build.args)
    return found, "" if found else "not taken over: no Python is in it"


def _why(build: Build, found: Stated | None) -> str:
    starts = found and ("command" in found.keys or "entrypoint" in found.keys)
    return f"{build.why} As the Dockerfile has it." if starts else build.why


def _versioned(place: Place, keys: Any) -> dict[str, Any]:
    """Return keys of a build; a tag that is the project's version goes on with it."""
    version = read_tables(place.folder / "pyproject.toml").get("project", {}).get("version")
    tags: Sequence[str] = keys.get("tags", ())
    if version not in tags:
        return dict(keys)
    return {**keys, "tags": ["{version}" if tag == version else tag for tag in tags]}


def _on_parent(image: ProposedImage, made: dict[str, str]) -> ProposedImage:
    base = str(image.keys.get("base", ""))
    parent = made.get(base.removeprefix("target:"), "") if base.startswith("target:") else ""
    keys = {key: value for key, value in image.keys.items() if key != "base"}
    if not parent:
        return replace(image, keys=keys)
    # What its parent decides.
    own = {k: v for k, v in keys.items() if k not in ("python", "workdir")}
    return replace(image, keys={**own, "base": f"target:{parent}"})
