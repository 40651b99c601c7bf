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
    lines = text.splitlines()
    escape = "`" if lines and _ESCAPE.match(lines[0]) else "\\"
    kept: list[str] = []
    bodies: dict[int, str] = {}
    while len(kept) < len(lines):
        begin = len(kept)
        stated = list(_instruction(lines, begin, escape))
        kept += lines[begin : begin + len(stated)]
        found = _MAY_HAVE.match(" ".join(stated))
        ends = [match for word in split(found[1]) if (match := _HEREDOC.fullmatch(word))
                ] if found else []  # fmt: skip
        inside: list[str] = []
        for end in ends:
            body = list(_body(lines, len(kept), end["end"], tabs=bool(end[1])))
            inside += body
            kept += [""] * min(len(body) + 1, len(lines) - len(kept))
        if ends:
            bodies[begin] = "\n".join(inside)
    return "".join(f"{line}\n" for line in kept), bodies


def _instruction(lines: Sequence[str], begin: int, escape: str) -> Iterator[str]:
    """Yield the lines of the instruction that begins there, joined ones without the escape."""
    for number, line in enumerate(lines[begin:]):
        stripped = line.strip()
        if number and (not stripped or stripped.startswith("#")):
            yield ""
        elif stripped.endswith(escape) and not stripped.startswith("#"):
            yield stripped.removesuffix(escape)
        else:
            yield stripped
            return


def _body(lines: Sequence[str], begin: int, end: str, *, tabs: bool) -> Iterator[str]:
    for line in lines[begin:]:
        text = line.lstrip("\t") if tabs else line
        if text == end:
            return
        yield text
