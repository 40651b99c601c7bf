"""A buildspec for a project that has none: what was recognised, and what is a guess."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from nox_buildkit.init.baked.definition import read_definition
from nox_buildkit.init.baked.targets import of_targets
from nox_buildkit.init.builds import DOCKERFILE, Builds, joined
from nox_buildkit.init.commands import PORT
from nox_buildkit.init.composed.document import find_compose, read_compose
from nox_buildkit.init.composed.services import of_services
from nox_buildkit.init.dockerfile.reading import read_dockerfile
from nox_buildkit.init.folder import Place, images_of_folder, project_name
from nox_buildkit.init.of_builds import images_of_builds
from nox_buildkit.init.proposal import Proposal, ProposedImage, distinct, without_command
from nox_buildkit.init.requirements import read_tables
from nox_buildkit.init.sound import sound
from nox_buildkit.printable import redacted


def propose(folder: Path, files: Sequence[str], base: str = "") -> Proposal:
    """Look at the project in ``folder``, of which ``files`` would go into an image.

    A bake file and a compose file say which images there are; else the members of a uv workspace
    that can be started are one each. ``base``: of all images. Raises EngineError if a buildx does
    not answer.
    """
    found = _proposed(Place(folder, ".", files, base))
    # They quote files, in which an address may have a login.
    return replace(found, notes=tuple(map(redacted, found.notes)))


def _proposed(place: Place) -> Proposal:
    found = _found(place)
    if found.images:
        notes = list(found.notes)
        images = tuple(sound(distinct(found.images), notes))
        return replace(found, images=images, notes=tuple(notes))
    why = "Nothing that can be started was found: write your command."
    command = {"command": ["python", "-m", "http.server", PORT]}
    nothing = ProposedImage(project_name(place.folder), why, command)
    doubt = "no entry point was found: set 'command' in buildspec.yaml"
    return Proposal((nothing,), (*found.notes, doubt))


def _found(place: Place) -> Proposal:
    builds = _builds(place)
    stated = images_of_builds(place, builds)
    if stated.images:
        return stated
    members = [_of_folder(place.inside(name)) for name in _members(place.folder)]
    images = tuple(image for member in members for image in member.images)
    if images:
        notes = tuple(f"{m.images[0].keys['context']}/{note}" for m in members if m.images
                      for note in m.notes)  # fmt: skip
        return Proposal(images, (*stated.notes, *notes))
    own = _of_folder(place)
    return replace(own, notes=(*stated.notes, *own.notes))


def _builds(place: Place) -> Builds:
    definition = read_definition(place.folder)
    baked = of_targets(definition) if definition else Builds()
    path = find_compose(place.folder)
    if path is None:
        return baked
    file = read_compose(path)
    if file is None:
        unread = Builds(notes=(f"{path.name}: not taken over: it cannot be read",))
        return joined(baked, unread)
    return joined(baked, of_services(file, place.folder, frozenset(place.files)))


def _of_folder(place: Place) -> Proposal:
    path = place.folder / DOCKERFILE
    if not path.is_file():
        return images_of_folder(place, None)
    text = path.read_text(encoding="utf-8", errors="replace")
    stated = read_dockerfile(text, place.folder, DOCKERFILE)
    found = images_of_folder(place, stated)
    if stated is None:
        return replace(
            found, notes=(*found.notes, f"{DOCKERFILE}: not taken over: no Python is in it")
        )
    return replace(found, notes=(*found.notes, *without_command(found.images, DOCKERFILE)))


def _members(folder: Path) -> Iterator[str]:
    """Yield the members of a uv workspace that are other folders than its root."""
    tool = read_tables(folder / "pyproject.toml").get("tool", {})
    workspace = tool.get("uv", {}).get("workspace", {})
    excluded = set(_matching(folder, workspace.get("exclude", [])))
    for path in _matching(folder, workspace.get("members", [])):
        if path not in excluded and (path / "pyproject.toml").is_file():
            yield path.relative_to(folder).as_posix()


def _matching(folder: Path, patterns: object) -> Iterator[Path]:
    for pattern in patterns if isinstance(patterns, list) else ():
        inside = posixpath.normpath(str(pattern))
        # The root is a member anyway, and what is elsewhere is in no context.
        if inside != "." and not inside.startswith(("/", "..")):
            yield from sorted(folder.glob(inside))
