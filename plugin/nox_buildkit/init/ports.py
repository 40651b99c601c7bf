"""Ports of containers, as EXPOSE, Compose and commands write them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

#: More are a mistake, or are better left to who wrote them.
_MOST = 20
_ADDRESS = re.compile(
    r"(?:--?[\w-]+=)?(?P<host>[\w.\[\]-]*:)?(?:\$\{\w+:-)?(?P<port>\d{2,5})\}?(?:/\w+)?"
)
_PORT_OPTIONS = ("-p", "--port", "-b", "--bind", "--http", "--http-socket")


def ports(text: str) -> Iterator[int | str]:
    """Yield the ports of ``8000``, ``8000-8002`` or ``53/UDP``; what is none as it is."""
    numbers, _, protocol = text.partition("/")
    suffix = f"/{protocol.lower()}" if protocol and protocol.lower() != "tcp" else ""
    first, dash, last = numbers.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()):
        yield text
        return
    begin, end = int(first), int(last or first)
    if not begin <= end < begin + _MOST:
        yield text
        return
    yield from (f"{n}{suffix}" if suffix else n for n in range(begin, end + 1))


def port_of(words: Sequence[str]) -> int | None:
    """Return the port that a command says it listens to; None if it says none."""
    for before, word in pairwise(["", *words]):
        found = _ADDRESS.fullmatch(word)
        option = before if "=" not in word else word.partition("=")[0]
        if found and (found["host"] or option in _PORT_OPTIONS):
            return int(found["port"])
    return None
