"""Files that a .dockerignore excludes, as BuildKit decides it.

BuildKit cannot be asked before a build, so this follows it to the letter, its oddities included.
Sources: moby/patternmatcher (``ignorefile.ReadAll``, ``New``, ``MatchesUsingParentResults``), which
makes regular expressions of patterns; tonistiigi/fsutil (``filter.go``), which walks the folder.
A test compares it with what BuildKit copies.
"""

from __future__ import annotations

import posixpath
import re
import string
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.errors import Code, Location, PlanError

# Go's filepath.Match: outside of a class, in it, and of no class an escape without a character.
_MEMBER = r"(?:\\.|[^\\\]-])"
# Without possessive quantifiers, which Python 3.11.2 gets wrong (python/cpython#106052).
_CLASS = rf"\[(?:\^|(?!\^))(?:{_MEMBER}(?:-{_MEMBER})?)+\]"
_SYNTAX = re.compile(rf"(?:\\.|{_CLASS}|[^\\\[])*", re.DOTALL)
# unicode.IsSpace, which strings.TrimSpace goes by.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"  # noqa: E501
_LITERAL = ".+()|{}$"


class NotAPattern(ValueError):
    """BuildKit refuses the pattern, or what it takes it for is not known here."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line. ``text``: cleaned, without the ``!`` that makes it an ``exception``."""

    text: str
    exception: bool
    prefix: str | None = None
    suffix: str | None = None
    expression: re.Pattern[str] | None = None

    def matches(self, path: str) -> bool:
        """Tell whether it means ``path`` itself."""
        if self.expression:
            return self.expression.fullmatch(path) is not None
        if self.prefix is not None:
            return path.startswith(self.prefix)
        if self.suffix is not None:
            return path.endswith(self.suffix) or f"/{path}" == self.suffix
        return path == self.text

    @property
    def stem(self) -> str:
        """It without a wildcard for all that is in a folder."""
        return self.text.removesuffix("/**").removesuffix("/*")


class DockerIgnore:
    """The rules of one file."""

    def __init__(self, content: bytes, file: str = ".dockerignore") -> None:
        """Read ``content``. Raises PlanError with the lines that are no patterns."""
        self.patterns: list[Pattern] = []
        problems = []
        for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
            try:
                self.patterns += _read(line.removesuffix(b"\r"))
            except NotAPattern as error:
                location = Location(file, number, 1)
                problems.append(
                    Code.IGNORE_PATTERN(f"not a pattern: {error}", "correct it", location)
                )
        if problems:
            raise PlanError(*problems)
        exceptions = [pattern for pattern in self.patterns if pattern.exception]
        self._plain = not any(set("*[]?^\\") & set(pattern.stem) for pattern in exceptions)
        self._stems = [f"{pattern.stem}/" for pattern in exceptions]
        self._folders: dict[str, tuple[bool, ...] | None] = {}

    @classmethod
    def read(cls, path: Path) -> DockerIgnore:
        """The rules of ``path``; none where there is no such file. Raises PlanError."""
        return cls(path.read_bytes() if path.is_file() else b"", str(path))

    def leaves_out(self, path: str) -> bool:
        """Tell whether the file ``path``, relative to the context, stays out."""
        above = self._folder(posixpath.dirname(path))
        return above is None or self._match(path, above)[0]

    def _folder(self, path: str) -> tuple[bool, ...] | None:
        """Return the patterns that matched the folder; None if it is not entered."""
        if not path:
            return (False,) * len(self.patterns)
        if path not in self._folders:
            above = self._folder(posixpath.dirname(path))
            self._folders[path] = None if above is None else self._enter(path, above)
        return self._folders[path]

    def _enter(self, path: str, above: tuple[bool, ...]) -> tuple[bool, ...] | None:
        out, matched = self._match(path, above)
        leads_to_exception = any(stem.startswith(f"{path}/") for stem in self._stems)
        return None if out and self._plain and not leads_to_exception else matched

    def _match(self, path: str, above: tuple[bool, ...]) -> tuple[bool, tuple[bool, ...]]:
        out, matched = False, []
        for pattern, inherited in zip(self.patterns, above, strict=True):
            # A pattern that would change nothing is not tried, and so not known to match below.
            match = inherited or (pattern.exception == out and pattern.matches(path))
            if match:
                out = not pattern.exception
            matched.append(match)
        return out, tuple(matched)


def _read(line: bytes) -> Iterator[Pattern]:
    """The pattern of a line, if it has one. Raises NotAPattern."""
    if line.startswith(b"#"):
        return
    try:
        text = line.decode().strip(_SPACE)
    except UnicodeDecodeError:
        raise NotAPattern("the line is not UTF-8") from None
    if not text:
        return
    mark = "!" if text.startswith("!") else ""
    text = text.removeprefix(mark).strip(_SPACE)
    cleaned = _clean(text) if text else ""
    relative = cleaned[1:] if len(cleaned) > 1 and cleaned.startswith("/") else cleaned
    # It is cleaned twice, and what the first time leaves may begin with the mark.
    whole = _clean(f"{mark}{relative}".strip(_SPACE))
    exception = whole.startswith("!")
    text = whole[1:] if exception else whole
    if not text:
        raise NotAPattern("there is nothing behind the '!'")
    yield _compiled(text, exception)


def _clean(path: str) -> str:
    """Go's filepath.Clean."""
    normal = posixpath.normpath(path)
    return normal[1:] if normal.startswith("//") else normal


def _compiled(text: str, exception: bool) -> Pattern:
    if "\0" in text or not _SYNTAX.fullmatch(text):
        raise NotAPattern("a '[' without its ']', a misplaced '-', or a '\\' at the end")
    expression, kind = _translated(text)
    if kind == "prefix":
        return Pattern(text, exception, prefix=text[:-2])
    if kind == "suffix":
        return Pattern(text, exception, suffix=text[2:])
    if kind == "exact":
        return Pattern(text, exception)
    with warnings.catch_warnings():
        # Of what means something else in other languages: "[[]".
        warnings.simplefilter("ignore", FutureWarning)
        try:
            return Pattern(text, exception, expression=re.compile(expression))
        except re.error as error:
            raise NotAPattern(f"{error.msg}") from None


#: Any folders, or none.
_FOLDERS = "(?:.*/)?"


def _translated(text: str) -> tuple[str, str]:
    """The regular expression, and whether one is needed: exact, prefix, suffix or expression."""
    expression, kind, position = "", "exact", 0
    while position < len(text):
        character, first = text[position], position == 0
        position += 1
        if text.startswith("**", position - 1):
            position += 1
            position += text.startswith("/", position)
            if position < len(text):
                # Repeated, it means the same, and Python would try every way to divide a path.
                expression = f"{expression.removesuffix(_FOLDERS)}{_FOLDERS}"
                kind = "expression"
            elif kind == "exact":
                kind = "prefix"
            else:
                expression, kind = expression + ".*", "expression"
            kind = "suffix" if first else kind
        elif character in "*?":
            expression, kind = expression + ("[^/]*" if character == "*" else "[^/]"), "expression"
        elif character == "\\":
            escaped = text[position]
            if not escaped.isascii() or escaped in string.ascii_letters + string.digits:
                raise NotAPattern(f"'\\{escaped}' is no character; write '{escaped}'")
            expression, kind, position = f"{expression}\\{escaped}", "expression", position + 1
        elif character in "[]":
            if text.startswith("[:", position - 1) and ":]" in text[position:]:
                raise NotAPattern("there are no classes with names")
            expression, kind = expression + character, "expression"
        else:
            literal = f"\\{character}" if character in _LITERAL else character
            expression += literal
    return expression, kind
