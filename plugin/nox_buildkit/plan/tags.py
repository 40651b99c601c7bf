"""Tags of an image."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.version import InvalidVersion, Version

from nox_buildkit.errors import PlanError, Problem

#: OCI distribution specification: what a tag may look like.
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def tags_for(templates: Sequence[str] | None, version: str, revision: str) -> tuple[str, ...]:
    """Fill ``{version}`` and ``{revision}`` into ``templates``.

    Without templates: the version, and ``latest`` unless it is a pre-release (PEP 440); ``latest``
    alone where no version is known. Raises PlanError for what is not a tag.
    """
    if templates is None:
        templates = _default(version)
    values = {"version": _as_tag(version), "revision": revision[:12]}
    tags = []
    for template in templates:
        for name, value in values.items():
            if f"{{{name}}}" in template and not value:
                raise PlanError(
                    Problem(
                        f"tag '{template}' needs a {name}, and none is known",
                        "set [project] version in pyproject.toml"
                        if name == "version"
                        else "build from a git checkout with a commit",
                    )
                )
        tag = template.format_map(values)
        if not TAG.fullmatch(tag):
            raise PlanError(f"'{tag}' (from '{template}') is not a tag")
        tags.append(tag)
    return tuple(dict.fromkeys(tags))


def _default(version: str) -> tuple[str, ...]:
    if not version:
        return ("latest",)
    try:
        released = not (Version(version).is_prerelease or Version(version).local)
    except InvalidVersion:
        released = False
    return ("{version}", "latest") if released else ("{version}",)


def _as_tag(version: str) -> str:
    # A local version's plus sign (PEP 440) is not allowed in a tag; SemVer users write a hyphen.
    return version.replace("+", "-")
