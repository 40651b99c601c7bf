"""The spec and its locks; what is wrong with them ends no other check."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from nox_buildkit.build.options import Selection
from nox_buildkit.build.project import Project, open_project
from nox_buildkit.doctor.finding import Finding
from nox_buildkit.errors import Code, NoxBuildkitError, Problem
from nox_buildkit.lock.lock_state import state_of
from nox_buildkit.lock.requirement_sets import locks_of, sources_of
from nox_buildkit.lock.source import Source

SPEC, _LOCKS = "buildspec", "locks"


@dataclass(frozen=True, slots=True)
class Opened:
    """The spec ``file``: a project, or the ``problems`` for which it is none; and its locks."""

    file: Path
    project: Project | None
    problems: tuple[Problem, ...] = ()
    sources: tuple[Source, ...] = ()
    unlocked: tuple[Problem, ...] = ()

    @property
    def root(self) -> Path:
        """The folder that paths in the spec are relative to."""
        return self.file.resolve().parent

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms of all images, each once."""
        if not self.project:
            return ()
        images = (self.project.spec.images[name] for name in self.project.images)
        return tuple(dict.fromkeys(p for image in images for p in image.platforms))


def open_spec(buildspec: Path, selection: Selection) -> Opened:
    """Read the spec, and what its images require."""
    try:
        project = open_project(buildspec, selection)
    except NoxBuildkitError as error:
        return Opened(buildspec, None, error.problems)
    except OSError as error:
        return Opened(buildspec, None, (Code.SPEC_FILE(f"{buildspec}: {error.strerror}"),))
    try:
        found = sources_of(project.spec, project.root, project.images)
    except NoxBuildkitError as error:
        return Opened(buildspec, project, unlocked=error.problems)
    return Opened(buildspec, project, sources=locks_of(found))


def look_at_spec(opened: Opened) -> Iterator[Finding]:
    """Yield what is wrong with the spec, or what it holds."""
    for problem in opened.problems:
        hint = problem.hint or "correct it there"
        if not opened.file.exists():
            hint = "run `nox -s init`, which writes one"
        yield Finding.of(SPEC, replace(problem, hint=hint))
    if opened.project:
        images = opened.project.images
        word = "image" if len(images) == 1 else "images"
        message = f"{opened.file}: {len(images)} {word}, for {', '.join(opened.platforms)}"
        facts = {"images": list(images), "platforms": list(opened.platforms)}
        yield Finding(SPEC, "ok", message, facts=facts)


def look_at_locks(opened: Opened) -> Iterator[Finding]:
    """Yield which locks are not what their sources say."""
    for problem in opened.unlocked:
        yield Finding.of(_LOCKS, problem)
    stale: list[Finding] = []
    for source in opened.sources:
        name = os.path.relpath(source.output, opened.root)
        if (state := state_of(source)) != "fresh":
            was = {"missing": "is missing", "altered": "was changed since it was made"}
            message = f"{name} {was.get(state, f'does not match {source.path.name}')}"
            stale.append(Finding(_LOCKS, "warning", message, "run `nox -s lock` and commit it"))
    yield from stale
    if opened.project and not opened.unlocked and not stale:
        named = ", ".join(os.path.relpath(s.output, opened.root) for s in opened.sources)
        message = f"{named}: up to date" if named else "nothing is required"
        yield Finding(_LOCKS, "ok", message)
