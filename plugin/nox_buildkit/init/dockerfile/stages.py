"""A Dockerfile as stages of instructions, with the values of its arguments filled in."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import IO, cast

from dockerfile_parse import DockerfileParser

from nox_buildkit.init.dockerfile.heredocs import without_heredocs
from nox_buildkit.init.dockerfile.words import expanded, replaced, split, unknown_in

#: Those whose values BuildKit replaces variables in; a shell does so in the others.
_OF_PAIRS = frozenset({"ARG", "ENV", "LABEL"})
_OF_WORDS = frozenset({"EXPOSE", "FROM"})
_OF_TEXT = frozenset({"STOPSIGNAL", "USER", "WORKDIR"})
_OF_FORMS = frozenset({"ADD", "COPY", "VOLUME"})
#: Begins the name of a context that is an image.
IMAGE = "docker-image://"


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction, and the line that it begins in; ``heredoc``: the text that follows it.

    ``pairs``: names and values, of those that have them; None for a value that is not known.
    """

    name: str
    value: str
    line: int
    heredoc: str = ""
    pairs: tuple[tuple[str, str | None], ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.value}"


@dataclass(slots=True)
class Stage:
    """A stage; ``base``: the image that it begins with, or the name of the stage ``below`` it."""

    name: str
    base: str
    line: int
    below: Stage | None = None
    instructions: list[Instruction] = field(default_factory=list)
    arguments: dict[str, str] = field(default_factory=dict)


def read_stages(
    text: str, arguments: Mapping[str, str], contexts: Mapping[str, str] | None = None
) -> list[Stage]:
    """Return the stages of a Dockerfile, built with ``arguments`` and named ``contexts``."""
    stages: list[Stage] = []
    before: dict[str, str] = {}
    values: dict[str, str] = before
    for stated in _instructions(text):
        each = _filled(stated, before if stated.name == "FROM" else values)
        if each.name == "FROM":
            stage = _stage(each.value, each.line)
            below = (s for s in reversed(stages) if s.name and s.name == stage.base.lower())
            named = (contexts or {}).get(stage.base.lower(), "")
            stage.below = None if named else next(below, None)
            stage.base = named.removeprefix(IMAGE) if named.startswith(IMAGE) else stage.base
            values = dict(stage.below.arguments) if stage.below else {}
            stages.append(stage)
            continue
        if each.name == "ARG":
            values.update(_declared(each.pairs, arguments, before if stages else {}))
        elif each.name == "ENV":
            values.update((name, value) for name, value in each.pairs if value is not None)
        if stages:
            stages[-1].instructions.append(each)
            stages[-1].arguments = dict(values)
    return stages


def _filled(each: Instruction, values: Mapping[str, str]) -> Instruction:
    """Return an instruction with the ``values`` of variables in their place."""
    if each.name in _OF_PAIRS:
        return replace(each, pairs=tuple(_pairs(each, values)))
    if each.name in _OF_WORDS:
        return replace(each, value=" ".join(expanded(word, values) for word in split(each.value)))
    if each.name in _OF_TEXT:
        return replace(each, value=expanded(each.value, values))
    return replace(each, value=replaced(each.value, values)) if each.name in _OF_FORMS else each


def _pairs(each: Instruction, values: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    words = split(each.value)
    if words and "=" not in words[0] and each.name != "ARG":
        # The form without "=" has one name, and all the rest is its value.
        name, text = words[0], each.value.strip()[len(words[0]) :].strip()
        yield name, None if unknown_in(text, values) else expanded(text, values)
        return
    for word in words:
        name, equals, text = word.partition("=")
        unknown = not equals or unknown_in(text, values)
        yield expanded(name, values), None if unknown else expanded(text, values)


def _declared(
    pairs: Iterable[tuple[str, str | None]], given: Mapping[str, str], before: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for name, default in pairs:
        known = given.get(name, before.get(name) if default is None else default)
        if known is not None:
            yield name, known


def _stage(value: str, line: int) -> Stage:
    words = [word for word in value.split() if not word.startswith("--")]
    named = len(words) == 3 and words[1].upper() == "AS"
    return Stage(words[2].lower() if named else "", words[0] if words else "", line)


def _instructions(text: str) -> Iterator[Instruction]:
    plain, heredocs = without_heredocs(text.removeprefix("\ufeff"))
    # In memory: the parser writes into the file that it is given.
    stream = io.BytesIO(plain.encode())
    for part in DockerfileParser(fileobj=cast("IO[str]", stream)).structure:
        name, value, line = part["instruction"], part["value"], part["startline"]
        if name != "COMMENT":
            yield Instruction(name, value, line + 1, heredocs.get(line, ""))
