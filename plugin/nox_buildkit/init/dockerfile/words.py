"""Words of a Dockerfile as BuildKit reads them: quotes, escapes and variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

_NAME = re.compile(r"\$([A-Za-z_]\w*)")
_BRACED = re.compile(r"\$\{([A-Za-z_]\w*)(?:\}|(:?[-+?]))")
#: Variables in each other's defaults; what is deeper stays as it is.
_DEEPEST = 20
_WORD = re.compile(r"(?:'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.|[^\s'\"\\]|['\"\\])+", re.DOTALL)
#: Variables of every base, and arguments that BuildKit gives a value: nothing here knows it.
_GIVEN = re.compile(
    r"PATH|LANG|GPG_KEY|PYTHON_(?:VERSION|SHA256|PIP_VERSION|GET_PIP_\w+)|SOURCE_DATE_EPOCH"
    r"|(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT|STAGE)|(?i:(?:https?|ftp|no|all)_proxy)"
)


def split(text: str) -> list[str]:
    """Return the words of ``text``, with their quotes."""
    return _WORD.findall(text)


def expanded(word: str, values: Mapping[str, str]) -> str:
    """Return ``word`` with its variables filled in, and without its quotes."""
    return _scanned(word, values, keep=False)


def replaced(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` with the variables of its words filled in; whatever quotes it has stay."""
    return _scanned(text, values, keep=True)


def unknown_in(word: str, values: Mapping[str, str]) -> bool:
    """Tell whether ``word`` asks for a variable that has a value which nothing here knows."""
    # In no quotes that would hide one: a doubt is cheaper than a wrong value.
    names = [found[1] for form in (_NAME, _BRACED) for found in form.finditer(word)]
    return any(name not in values and _GIVEN.fullmatch(name) for name in names)


def _scanned(text: str, values: Mapping[str, str], *, keep: bool, depth: int = 0) -> str:
    if depth > _DEEPEST:
        return text
    found: list[str] = []
    quote, at = "", 0
    while at < len(text):
        here, after = text[at], text[at + 1 : at + 2]
        if here in "'\"" and quote in ("", here):
            quote = "" if quote else here
            found.append(here if keep else "")
        elif quote == "'" or here not in "\\$":
            found.append(here)
        elif here == "\\":
            stays = keep or not after or (quote and after not in '"$\\')
            found.append(here + after if stays else after)
            at += 1
        else:
            value, at = _variable(text, at, values, depth)
            quoted = keep and not quote and re.search(r"[\s'\"\\]", value)
            found.append(shlex.quote(value) if quoted else value)
            continue
        at += 1
    return "".join(found)


def _variable(text: str, at: int, values: Mapping[str, str], depth: int) -> tuple[str, int]:
    """Return what stands for the variable that begins at ``at``, and its end."""
    if plain := _NAME.match(text, at):
        return _value(plain[1], plain[0], values), plain.end()
    braced = _BRACED.match(text, at)
    if not braced:
        return text[at], at + 1
    name, kind = braced[1], braced[2]
    if kind is None:
        return _value(name, braced[0], values), braced.end()
    end = _closed(text, braced.end())
    default = _scanned(text[braced.end() : end], values, keep=False, depth=depth + 1)
    known = values.get(name)
    is_set = bool(known) if kind.startswith(":") else known is not None
    if kind.endswith("+"):
        return default if is_set else "", end + 1
    return (known or "") if is_set or kind.endswith("?") else default, end + 1


def _value(name: str, written: str, values: Mapping[str, str]) -> str:
    unknown = name not in values and _GIVEN.fullmatch(name)
    return written if unknown else values.get(name, "")


def _closed(text: str, at: int) -> int:
    """Return where the brace is closed that was opened before ``at``."""
    depth = 1
    for end in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if not depth:
            return end
    return len(text)
