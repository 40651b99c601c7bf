"""Tags of an image: templates of the spec, filled in from the version and from git.

A tag with a part of the version belongs to releases, and so does plain text beside one. Of these,
a tag with ``{version}`` names one version for good; the others move from version to version of
their line, and only final versions take them (see `nox_buildkit.release.moves`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from nox_buildkit.buildspec.model.image import DEFAULT_TAGS
from nox_buildkit.errors import Code, PlanError, Problem
from nox_buildkit.plan.facts import GitFacts
from nox_buildkit.plan.versions import ReleaseVersion, Scheme, as_tag

#: OCI distribution specification: the form of a tag.
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
MAX_LENGTH = 128

#: Moves with the default branch, as in metadata-action; any other plain text is a name.
EDGE = "edge"
#: As metadata-action has it.
_SHORT = 7
_PLACEHOLDER = re.compile(r"\{([a-z-]+)\}")
#: Part of a version → how many parts versions of one line share.
_LINES = {"major": 1, "minor": 2, "patch": 3}


@dataclass(frozen=True, slots=True)
class PlannedTag:
    """A tag, and the ``template`` that it was made of.

    ``line``: versions that take it from one another share so many parts (0: all versions do); None:
    it does not depend on the order of versions. ``release``: it is for releases alone.
    """

    name: str
    template: str
    line: int | None = None
    release: bool = False


@dataclass(frozen=True, slots=True)
class SkippedTag:
    """A template that gives no tag here, and ``why``, in a clause."""

    template: str
    why: str


@dataclass(frozen=True, slots=True)
class TagValues:
    """The values for templates; empty where something is not known.

    ``created``: the time of the commit, or SOURCE_DATE_EPOCH.
    """

    version: str = ""
    scheme: Scheme = "pep440"
    git: GitFacts | None = None
    created: datetime | None = None

    @property
    def parsed(self) -> ReleaseVersion | None:
        return ReleaseVersion.parse(self.version, self.scheme)


def tags_for(
    templates: Sequence[str] | None, values: TagValues
) -> tuple[tuple[PlannedTag, ...], tuple[SkippedTag, ...]]:
    """Return the tags, and the templates that give none here.

    Without templates: the version and ``latest``, or ``latest`` alone where no version is known.
    Raises PlanError for text that is not a tag, and for a value that nobody knows.
    """
    if templates is None:
        templates = DEFAULT_TAGS if values.version else ("latest",)
    versioned = any(_of_version(_names(template)) for template in templates)
    tags: dict[str, PlannedTag] = {}
    skipped = []
    for template in templates:
        made = _made(template, values, versioned)
        if isinstance(made, SkippedTag):
            skipped.append(made)
        else:
            tags.setdefault(made.name, made)
    return tuple(tags.values()), tuple(skipped)


def _names(template: str) -> tuple[str, ...]:
    return tuple(_PLACEHOLDER.findall(template))


def _of_version(names: Iterable[str]) -> bool:
    return any(name == "version" or name in _LINES for name in names)


def _made(template: str, values: TagValues, versioned: bool) -> PlannedTag | SkippedTag:
    names = _names(template)
    line = _line(template, names, versioned)
    why = _unreleased(names, line, values) or _unfitting(template, names, values)
    if why:
        return SkippedTag(template, why)
    known = _known(values)
    for name in names:
        if not known[name]:
            raise PlanError(_unknown(template, name, values))
    if "branch" in names:
        # What else is in the tag says which commit it is.
        others = _PLACEHOLDER.sub(lambda m: known[m[1]] if m[1] != "branch" else "", template)
        room = (MAX_LENGTH - len(others)) // names.count("branch")
        known["branch"] = known["branch"][: max(room, 1)]
    tag = _PLACEHOLDER.sub(lambda match: known[match[1]], template)
    if not TAG.fullmatch(tag):
        raise PlanError(Code.TAG_TEMPLATE(f"'{tag}' (from '{template}') is not a tag"))
    release = _of_version(names) or (versioned and not names and template != EDGE)
    return PlannedTag(tag, template, line, release)


def _line(template: str, names: Sequence[str], versioned: bool) -> int | None:
    if "version" in names or template == EDGE or (names and not _of_version(names)):
        return None
    if names:
        return max(_LINES.get(name, 0) for name in names)
    return 0 if versioned else None


def _unreleased(names: Sequence[str], line: int | None, values: TagValues) -> str:
    """Say why the version does not take a tag that moves; empty if it may."""
    if line is None:
        return ""
    version = values.parsed
    if version is None:
        # A part of it that is asked for by name is a mistake, and said to be one.
        scheme = _SCHEMES[values.scheme]
        return "" if names else f"'{values.version}' is not a version by {scheme}"
    if not version.final:
        return f"{version} is not a final version"
    if names == ("major",) and not version.parts[0]:
        return "versions 0.x have nothing in common"
    return ""


_SCHEMES: Mapping[Scheme, str] = {"pep440": "PEP 440", "semver": "Semantic Versioning"}


def _unfitting(template: str, names: Sequence[str], values: TagValues) -> str:
    """Say why the commit has nothing for a template that is for some commits alone."""
    refs = values.git.refs if values.git else None
    if "branch" in names and not (refs and refs.branch):
        return "no branch is checked out"
    if "branch" in names and refs and not _sanitised(refs.branch):
        return "the name of the branch has no character that a tag may have"
    if "pull-request" in names and not (refs and refs.pull_request):
        return "this is no pull request"
    if template == EDGE and not (refs and refs.branch and refs.branch == refs.default_branch):
        return "the default branch is not checked out"
    return ""


def _known(values: TagValues) -> dict[str, str]:
    git, version = values.git, values.parsed
    parts = [str(part) for part in version.parts] if version else ["", "", ""]
    epoch = f"{version.epoch}e" if version and version.epoch else ""
    return {
        "version": as_tag(values.version),
        "major": f"{epoch}{parts[0]}" if version else "",
        "minor": parts[1],
        "patch": parts[2],
        "revision": git.revision if git else "",
        "short-revision": git.revision[:_SHORT] if git else "",
        "branch": _sanitised(git.refs.branch) if git else "",
        "pull-request": git.refs.pull_request if git else "",
        "date": values.created.strftime("%Y%m%d") if values.created else "",
    }


def _sanitised(text: str) -> str:
    """Write a name of git's with the characters that a tag may have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).lstrip("-.")


def _unknown(template: str, name: str, values: TagValues) -> Problem:
    if not _of_version((name,)):
        hint = "build from a git checkout with a commit"
    elif values.version:
        scheme = _SCHEMES[values.scheme]
        hint = f"write the version by {scheme}, or use {{version}}: '{values.version}' is not"
    else:
        hint = "set [project] version in pyproject.toml"
    return Code.TAG_TEMPLATE(f"tag '{template}' needs a {name}, and none is known", hint)
