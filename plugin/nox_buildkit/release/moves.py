"""The decision which tags move, from what to what, and why.

A tag that moves from version to version is given to a version only if the registry has no higher
one of its line: 1.2.9 after 2.0.0 moves ``1`` and ``1.2``, and leaves ``latest`` alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from nox_buildkit.plan.facts import GitFacts
from nox_buildkit.plan.image import Publication
from nox_buildkit.plan.tags import PlannedTag
from nox_buildkit.plan.versions import ReleaseVersion

#: ``new`` and ``move`` are done; ``same`` needs nothing; ``keep`` leaves the tag where it is;
#: ``refuse`` is an error.
Verdict = Literal["new", "move", "same", "keep", "refuse"]

# Tags of a day or of a commit are no versions, though they look like one.
_NUMBER_OF_SOMETHING = re.compile(r"[0-9]{6,}|[0-9]+e[0-9]+")

#: A whole version, as other tools write it.
_PARTS = "{major}.{minor}.{patch}"


@dataclass(frozen=True, slots=True)
class Move:
    """A tag of a repository: the digests that it names ``before`` and ``after``, None for none.

    ``after`` is None as long as nothing is built. ``why``: a clause.
    """

    repository: str
    tag: str
    before: str | None
    after: str | None
    verdict: Verdict
    why: str

    @property
    def reference(self) -> str:
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True, slots=True)
class Known:
    """The tags of a ``repository``; ``digests``: what those of them name that are in question."""

    repository: str
    tags: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)


def moves_of(
    publication: Publication, known: Known, git: GitFacts | None, after: str | None = None
) -> tuple[Move, ...]:
    """Decide about each tag of ``publication`` in a repository, the shortest line last."""
    held = held_back(publication, git)
    moves = []
    for tag in sorted(publication.tags, key=lambda tag: -4 if tag.line is None else -tag.line):
        verdict, why = _decision(tag, publication, known, held, after)
        before = known.digests.get(tag.name)
        moves.append(Move(known.repository, tag.name, before, after, verdict, why))
    return tuple(moves)


def held_back(publication: Publication, git: GitFacts | None) -> str:
    """Say why the commit is not a release; empty if it is one, or if there is no repository."""
    if git is None:
        return ""
    if git.dirty:
        return "the work tree has changes that are not committed: 'git status' lists them"
    tags = git.refs.tags
    if not publication.version or any(_is_tag_of(tag, publication) for tag in tags):
        return ""
    if tags:
        listed = ", ".join(tags)
        return f"the commit has the git tag {listed}, and not one of {publication.version}"
    return f"the commit has no git tag of {publication.version}"


def known_versions(publication: Publication, existing: Iterable[str]) -> tuple[ReleaseVersion, ...]:
    """Return the final versions among the tags of a repository.

    By the templates with ``{version}``, or with all of its parts: other tags may look like versions
    and be none.
    """
    templates = (tag.template.replace(_PARTS, "{version}") for tag in publication.tags)
    forms = [_form(template) for template in templates if "{version}" in template]
    found: dict[str, ReleaseVersion] = {}
    for tag in existing:
        for form in forms:
            match = form.fullmatch(tag)
            version = _read(match[1], publication) if match else None
            if version and version.final:
                found[tag] = version
    return tuple(found.values())


def _form(template: str) -> re.Pattern[str]:
    parts = (re.escape(part) for part in re.split(r"\{version\}", template, maxsplit=1))
    return re.compile("(.+)".join(re.sub(r"\\\{[a-z\\-]+\\\}", ".+", part) for part in parts))


def _read(text: str, publication: Publication) -> ReleaseVersion | None:
    """Read a version, if it is one: versions of a project that counts days look like days."""
    counted = _NUMBER_OF_SOMETHING.fullmatch
    if counted(text) and not counted(publication.version):
        return None
    return ReleaseVersion.of_tag(text, publication.scheme)


def _is_tag_of(tag: str, publication: Publication) -> bool:
    """Tell whether the git tag ``tag`` names the version: ``1.2.3``, ``v1.2.3``, ``api-1.2.3``."""
    own = ReleaseVersion.parse(publication.version, publication.scheme)
    for text in (tag, re.sub(r"^(?:.*[/-])?[vV]?(?=[0-9])", "", tag)):
        if text == publication.version:
            return True
        if own and ReleaseVersion.parse(text.removeprefix("v"), publication.scheme) == own:
            return True
    return False


def _decision(
    tag: PlannedTag, publication: Publication, known: Known, held: str, after: str | None
) -> tuple[Verdict, str]:
    before = known.digests.get(tag.name)
    if why := _left_alone(tag, publication, known, held):
        return "keep", why
    if before is None:
        return "new", "the registry does not have it"
    if before == after:
        return "same", "it names this image"
    if tag.template not in publication.immutable:
        return "move", _reason(tag, ReleaseVersion.parse(publication.version, publication.scheme))
    if after is None:
        return "keep", "it is immutable: only the same content may be released again"
    return "refuse", "it is immutable, and has another content"


def _left_alone(tag: PlannedTag, publication: Publication, known: Known, held: str) -> str:
    """Say why ``tag`` is not for this version; empty if it is."""
    if tag.release and held:
        return held
    own = ReleaseVersion.parse(publication.version, publication.scheme)
    if tag.line is None or own is None:
        return ""
    versions = known_versions(publication, known.tags)
    highest = max((v for v in versions if own.is_of_line(v, tag.line)), default=own)
    return f"{highest} is higher than {own}" if highest > own else ""


def _reason(tag: PlannedTag, own: ReleaseVersion | None) -> str:
    if tag.line is not None and own:
        line = "" if not tag.line else f" of {'.'.join(map(str, own.parts[: tag.line]))}"
        return f"{own} is the highest version{line}"
    return "it is made anew by every release" if tag.line is None else "no version is known"
