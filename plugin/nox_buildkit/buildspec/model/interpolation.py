"""Environment values in commands, as Compose writes them: ``${NAME:-default}``.

A command in which ``${`` occurs asks for them; ``$$`` is a ``$`` in it. Compose's further forms are
refused: each would be one more rule for the program that starts the container.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nox_buildkit.buildspec.text import Invalid, shown

#: Programs that read ``${NAME}`` themselves, in what follows their option ``-c``.
SHELLS = ("sh", "ash", "bash", "dash", "ksh", "zsh", "busybox")

_TOKEN = re.compile(r"\$\$|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^${}]*))?\})?")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the container's environment; ``default``: where it is not set, or empty."""

    name: str
    default: str | None = None


#: A piece of a word: text as it is, or what a variable has when the container starts.
Part = str | Variable


def asks(words: Sequence[str]) -> bool:
    """Tell whether the command ``words`` asks for values; a shell's own text is its own matter."""
    if not any("${" in word for word in words):
        return False
    return not any(
        posixpath.basename(word) in SHELLS and _reads_text(words[position + 1 :])
        for position, word in enumerate(words)
    )


def _reads_text(arguments: Sequence[str]) -> bool:
    """Tell whether a shell gets its script as an argument (sh(1)); options may stand before it."""
    position = 0
    while position < len(arguments) and re.match("[-+]", arguments[position]):
        option = arguments[position]
        if re.fullmatch("-[A-Za-z]*c[A-Za-z]*", option):
            return True
        # The last one of `-euo pipefail` has a name as its value.
        position += 2 if re.fullmatch("[-+][A-Za-z]*[oO]", option) else 1
    return False


def parsed(word: str) -> tuple[Part, ...]:
    """Return ``word`` in pieces. Raises Invalid for ``${`` that begins no variable."""
    found: list[Part] = []
    end = 0
    for token in _TOKEN.finditer(word):
        found.append(word[end : token.start()])
        end = token.end()
        if token[0] == "$$":
            found.append("$")
        elif token[1]:
            found.append(Variable(token[1], token[2]))
        else:
            written = shown(word[token.start() : token.start() + 40])
            hint = "write ${NAME} or ${NAME:-default}; $${ stands for the characters themselves"
            raise Invalid(f"{written} is not a variable of the environment", hint)
    return tuple(_joined([*found, word[end:]]))


def interpolated(words: Sequence[str]) -> Iterator[tuple[str, tuple[Part, ...]]]:
    """Yield each of ``words`` that does not stand for itself, and its pieces."""
    if asks(words):
        for word in words:
            parts = parsed(word)
            if parts != (word,):
                yield word, parts


def mistakes(words: Sequence[str], at: tuple[str | int, ...]) -> Iterator[Invalid]:
    """Yield what is wrong with each of ``words``; ``at``: the key of the command."""
    if asks(words):
        for position, word in enumerate(words):
            try:
                parsed(word)
            except Invalid as error:
                yield Invalid(error.message, error.hint, at=(*at, position))


def known(word: str, environment: Mapping[str, str]) -> str:
    """Return ``word`` as it is in a container to which nobody says more than the image does.

    A variable that has no value then stays.
    """

    def value(token: re.Match[str]) -> str:
        name, default = token[1], token[2]
        if not name:
            return token[0]
        return environment.get(name) or (token[0] if default is None else default)

    return _TOKEN.sub(value, word)


def _joined(parts: Sequence[Part]) -> Iterator[Part]:
    """Join pieces of text that follow each other."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
        yield part
        text = ""
    if text:
        yield text
