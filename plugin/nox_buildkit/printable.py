"""Text of others (arguments, files, messages of programs) as a message or a log may hold it."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\s'\"<>]+")
_CREDENTIALS = re.compile(r"(?<=//)([^/\s]*)@")


def visible(text: str) -> str:
    """``text`` on one line, whatever a terminal would obey or hide written as an escape.

    Control characters move the cursor and set titles; format characters (Unicode category Cf)
    reverse what follows or have no width. Linear in the length of ``text``.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def visible_lines(text: str) -> str:
    """As :func:`visible`, with the line breaks and tabs of ``text`` left as they are."""
    return re.sub(r"[^\n\t]+", lambda part: visible(part[0]), text)


def redacted(text: str) -> str:
    """``text`` with credentials and query of every URL in it replaced. Linear in its length."""
    return _WORD.sub(_without_query, _CREDENTIALS.sub("***@", text))


def _without_query(found: re.Match[str]) -> str:
    # Of a signed address, the query is what lets its owner in.
    word = found[0]
    scheme = word.find("://")
    query = word.find("?", scheme) if scheme >= 0 else -1
    end = len(word.rstrip(",;.)]}"))
    return f"{word[:query]}?***{word[end:]}" if 0 <= query < end - 1 else word


def has_credentials(text: str) -> bool:
    """Tell whether a URL in ``text`` carries a password, or what may be a token.

    The user of an SSH address is none: whoever connects proves it by a key.
    """
    return any(
        ":" in found[1] or not text.endswith("ssh://", 0, found.start())
        for found in _CREDENTIALS.finditer(text)
        if found[1]
    )


def shortened(text: str, limit: int) -> str:
    """At most ``limit`` characters of ``text``: its beginning and, after an ellipsis, its end."""
    if len(text) <= limit:
        return text
    end = limit // 3
    return f"{text[: limit - end - 1]}…{text[-end:]}"
