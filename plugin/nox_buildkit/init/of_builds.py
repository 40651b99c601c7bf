"""Images of builds that a compose or bake file states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nox_buildkit.buildspec.model.grammar import TARGET
from nox_buildkit.init.builds import DOCKERFILE, Build, Builds
from nox_buildkit.init.dockerfile.reading import read_dockerfile
from nox_buildkit.init.folder import Place, images_of_folder, project_name
from nox_buildkit.init.lookup import is_file, is_folder
from nox_buildkit.init.moved import moved
from nox_buildkit.init.proposal import Proposal, ProposedImage, image_name, serving, without_command
from nox_buildkit.init.requirements import read_tables
from nox_buildkit.init.shell import started_in
from nox_buildkit.init.stated import WORKDIR, Stated
from nox_buildkit.init.with_stated import with_service


def images_of_builds(place: Place, builds: Builds) -> Proposal:
    """Return an image for each build of Python, and groups of them."""
    notes = list(builds.notes)
    images: dict[str, ProposedImage] = {}
    for build in builds.builds:
        if image := _image(place, build, notes):
            images[build.name] = image
    made = {name: image_name(name) for name in images}
    named = [_on_others(image, made, notes) for image in images.values()]
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
    served = serving(proposal.images, project_name(below.folder)) or empty
    first = replace(served, name=image_name(build.name), why=_why(build, found))
    keys = _versioned(below, build.keys)
    if found:
        keys = moved(keys, found.moved, WORKDIR)
        # An entrypoint of the Dockerfile goes there by itself.
        goes = "entrypoint" in first.keys and "entrypoint" not in keys
        keys = keys if goes or "workdir" in keys else started_in(keys, found.inside)
    image = with_service(first, keys, build.where, notes)
    notes += without_command([image], build.where)
    parent = build.contexts.get(found.base, "") if found else ""
    is_image = parent.startswith(TARGET)
    return replace(image, keys={"base": parent, **image.keys}) if is_image else image


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
    found = read_dockerfile(
        text, place.folder, name, build.target, build.args, contexts=build.contexts
    )
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


def _on_others(image: ProposedImage, made: Mapping[str, str], notes: list[str]) -> ProposedImage:
    """Return an image with the names of those that it begins with, or takes files from."""
    keys = dict(image.keys)
    files = [{**each, "from": _named(str(each.get("from", "")), made)} if "from" in each else each
             for each in keys.get("files", ())]  # fmt: skip
    if files:
        keys["files"] = [each for each in files if each.get("from") != ""]
        notes += [f"{image.name}: files from {origin} are not taken over: it is no image of Python"
                  for each, new in zip(image.keys["files"], files, strict=True)
                  if not new.get("from", "-") and (origin := each["from"])]  # fmt: skip
    if base := keys.pop("base", ""):
        parent = _named(base, made)
        if parent.startswith(TARGET):
            # What its parent decides.
            keys = {k: v for k, v in keys.items() if k not in ("python", "workdir")}
            keys["base"] = parent
    return replace(image, keys=keys)


def _named(reference: str, made: Mapping[str, str]) -> str:
    """Return ``reference`` with the name of an image that was made; empty if it was not."""
    if not reference.startswith(TARGET):
        return reference
    name = made.get(reference.removeprefix(TARGET), "")
    return f"{TARGET}{name}" if name else ""
