"""Here-documents of a Dockerfile, which are no instructions of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nox_buildkit.init.dockerfile.words import split

_ESCAPE = re.compile(r"#\s*escape\s*=\s*`\s*$", re.IGNORECASE)
_MAY_HAVE = re.compile(r"\s*(?:RUN|COPY|ADD)\s+(?!\[)(.*)", re.IGNORECASE | re.DOTALL)
_HEREDOC = re.compile(r"\d*<<(-?)(?P<quote>[\"']?)(?P<end>[^<\s\"']+)(?P=quote)")


def is_heredoc(word: str) -> bool:
    """Tell whether a word of an instruction begins a here-document."""
    return bool(_HEREDOC.fullmatch(word))


def without_heredocs(text: str) -> tuple[str, dict[int, str]]:
    """Return a Dockerfile with empty lines for its here-documents, and these.

    By the line, from 0, in which an instruction begins: all that it is given.
    """
    lines = text.split("\n")
    escape = "`" if _ESCAPE.match(lines[0]) else "\\"
    rest = iter(lines)
    kept: list[str] = []
    bodies: dict[int, str] = {}
    while stated := list(_instruction(rest, escape)):
        begin = len(kept)
        kept += stated
        found = _MAY_HAVE.match(" ".join(_parts(stated, escape)))
        words = split(found[1]) if found else ()
        ends = [match for word in words if (match := _HEREDOC.fullmatch(word))]
        inside: list[str] = []
        for end in ends:
            body = list(_body(rest, end["end"], tabs=bool(end[1])))
            inside += body
            # And one for the line that ends it.
            kept += [""] * (len(body) + 1)
        if ends:
            bodies[begin] = "\n".join(inside)
    return "\n".join(kept), bodies


def _instruction(rest: Iterator[str], escape: str) -> Iterator[str]:
    """Yield the lines of the next instruction, with empty ones and comments between them."""
    for number, line in enumerate(rest):
        yield line
        stripped = line.strip()
        ignored = not stripped or stripped.startswith("#")
        if (ignored and not number) or not (ignored or stripped.endswith(escape)):
            return


def _parts(stated: Sequence[str], escape: str) -> Iterator[str]:
    """Yield what the lines of an instruction say."""
    for line in map(str.strip, stated):
        yield "" if line.startswith("#") else line.removesuffix(escape)


def _body(rest: Iterator[str], end: str, *, tabs: bool) -> Iterator[str]:
    for line in rest:
        text = line.lstrip("\t") if tabs else line
        if text.rstrip("\r") == end:
            return
        yield text
