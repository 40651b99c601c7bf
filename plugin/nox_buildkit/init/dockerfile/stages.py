"""A Dockerfile as stages of instructions, with the values of its arguments filled in."""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, cast

from dockerfile_parse import DockerfileParser

_REFERENCE = re.compile(r"\\\$|\$(?:(\w+)|\{(\w+)(?:(:?[-+])([^{}]*))?\})")
_HEREDOC = re.compile(r"<<-?[\"']?(\w+)[\"']?")
#: Those whose values BuildKit replaces variables in; a shell does so in the others.
_REPLACED = frozenset(
    {"ADD", "ARG", "COPY", "ENV", "EXPOSE", "FROM", "LABEL", "STOPSIGNAL", "USER", "VOLUME",
     "WORKDIR"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction, and the line that it begins in; ``heredoc``: the text that follows it."""

    name: str
    value: str
    line: int
    heredoc: str = ""

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


def read_stages(text: str, arguments: Mapping[str, str]) -> list[Stage]:
    """Return the stages of a Dockerfile, built with ``arguments``."""
    stages: list[Stage] = []
    before: dict[str, str] = {}
    values: dict[str, str] = before
    for each in _instructions(text):
        value = _replaced(each.value, values) if each.name in _REPLACED else each.value
        instruction = Instruction(each.name, value, each.line, each.heredoc)
        if each.name == "FROM":
            values = {}
            stage = _stage(_replaced(each.value, before), each.line)
            below = (s for s in reversed(stages) if s.name and s.name == stage.base.lower())
            stage.below = next(below, None)
            values.update(stage.below.arguments if stage.below else {})
            stages.append(stage)
            continue
        if each.name == "ARG":
            values.update(_declared(value, arguments, before if stages else {}))
        elif each.name == "ENV":
            values.update(variables(value))
        if stages:
            stages[-1].instructions.append(instruction)
            stages[-1].arguments = dict(values)
    return stages


def variables(value: str) -> dict[str, str]:
    """Return what ``ENV`` and ``LABEL`` set, in both of their forms."""
    if not value.strip():
        return {}
    if "=" not in value.split(maxsplit=1)[0]:
        name, _, text = value.partition(" ")
        return {name: text.strip()}
    try:
        pairs = [word.partition("=") for word in shlex.split(value)]
    except ValueError:
        return {}
    return {name: text for name, _, text in pairs if name}


def _declared(
    value: str, given: Mapping[str, str], before: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for word in value.split():
        name, equals, default = word.partition("=")
        default = default.strip("\"'")
        known = given.get(name, default if equals else before.get(name))
        if known is not None:
            yield name, known


def _stage(value: str, line: int) -> Stage:
    words = [word for word in value.split() if not word.startswith("--")]
    named = len(words) == 3 and words[1].upper() == "AS"
    return Stage(words[2].lower() if named else "", words[0] if words else "", line)


def _replaced(value: str, values: Mapping[str, str]) -> str:
    def replace(found: re.Match[str]) -> str:
        known = values.get(found[1] or found[2] or "")
        kind, word = found[3] or "", found[4] or ""
        if kind.endswith("+"):
            return word if known else ""
        if known is None or (not known and kind == ":-"):
            return word if kind else found[0]
        return known

    return _REFERENCE.sub(replace, value)


def _instructions(text: str) -> Iterator[Instruction]:
    # In memory: the parser writes into the file that it is given.
    stream = io.BytesIO(text.encode())
    rest = iter(DockerfileParser(fileobj=cast("IO[str]", stream)).structure)
    for part in rest:
        name, value = part["instruction"], part["value"]
        heredoc: list[str] = []
        # The parser knows none, and takes its lines for instructions.
        if name in ("RUN", "COPY", "ADD") and (word := _HEREDOC.search(value)):
            for line in rest:
                if line["content"].strip() == word[1]:
                    break
                heredoc.append(line["content"].rstrip("\n"))
        if name != "COMMENT":
            yield Instruction(name, value, part["startline"] + 1, "\n".join(heredoc))
