"""Files for deployment with the digests of a release in place of image names, as ko does it.

Nothing else in a file changes: the names are replaced where they stand, and comments stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from nox_buildkit.errors import Code, Location, ReleaseError

#: Before the name of an image of the spec.
SCHEME = "image://"


@dataclass(frozen=True, slots=True)
class _Name:
    """A scalar of a YAML document that names an image: its place in the text, and the name."""

    begin: int
    end: int
    text: str
    line: int
    column: int


def resolve(file: str, text: str, released: Mapping[str, str]) -> str:
    """Return ``text`` (YAML documents) with names of images replaced by what was released.

    ``released``: name → reference with a digest. A name is ``image://NAME``, or a repository that
    was published, with a tag or without. Raises ReleaseError for an image that was not released.
    """
    parts, here, problems = [], 0, []
    for name in _names(file, text):
        key = name.text.removeprefix(SCHEME)
        named = name.text.startswith(SCHEME) or "/" in key
        reference = released.get(key) if named else None
        if reference is None and name.text.startswith(SCHEME):
            location = Location(file, name.line, name.column)
            known = ", ".join(n for n in released if "/" not in n) or "none"
            problems.append(
                Code.MANIFEST_FILE(f"no image '{key}' was released", f"there is {known}", location)
            )
        if reference is not None:
            parts += [text[here : name.begin], reference]
            here = name.end
    if problems:
        raise ReleaseError(*problems)
    return "".join((*parts, text[here:]))


def _names(file: str, text: str) -> Iterator[_Name]:
    """Yield every scalar that may name an image, without its quotes."""
    try:
        # Tokens alone need not be a document.
        list(yaml.parse(text, Loader=yaml.SafeLoader))
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if not isinstance(token, yaml.ScalarToken) or token.style in ("|", ">"):
                continue
            quoted = 0 if token.plain else 1
            begin, end = token.start_mark.index + quoted, token.end_mark.index - quoted
            if text[begin:end] == token.value:
                mark = token.start_mark
                yield _Name(begin, end, _untagged(token.value), mark.line + 1, mark.column + 1)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        location = Location(file, where.line + 1, where.column + 1) if where else None
        message = f"not YAML: {getattr(error, 'problem', None) or error}"
        raise ReleaseError(Code.MANIFEST_FILE(message, "correct the file", location)) from None


def _untagged(value: str) -> str:
    """Return a reference without tag and digest."""
    name = value.partition("@")[0]
    if name.startswith(SCHEME):
        return name
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"
