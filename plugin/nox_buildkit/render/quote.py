"""Quoting for each place where a value of the spec lands.

One function a destination: a Dockerfile word, a JSON-form instruction, a shell word in a RUN, and
a string of a bake definition, which HCL would read as a template.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u2028\u2029\x85]")


def dockerfile_word(value: str) -> str:
    """``value`` as one double-quoted word of ENV, LABEL, USER, WORKDIR or EXPOSE.

    Within double quotes the Dockerfile knows three special characters: the quote, the escape and
    the variable sign. Raises ValueError for control characters: a line break ends an instruction.
    """
    _refuse_control(value)
    return '"' + re.sub(r'([\\"$])', r"\\\1", value) + '"'


def exec_form(words: Iterable[str]) -> str:
    """``words`` as the JSON array of CMD and ENTRYPOINT, where nothing is expanded."""
    return json.dumps(list(words))


def expanded_words(words: Iterable[str]) -> str:
    """``words`` as the JSON array of VOLUME, whose words are expanded all the same."""
    return json.dumps([re.sub(r"([\\\"'$])", r"\\\1", word) for word in words])


def shell_word(value: str) -> str:
    """``value`` as one word of a POSIX shell command in a RUN instruction."""
    _refuse_control(value)
    return shlex.quote(value)


def bake_string(value: str) -> str:
    """``value`` as a string of a bake definition in JSON (HCL template sequences escaped)."""
    return value.replace("${", "$${").replace("%{", "%%{")


def comment(value: str) -> str:
    """``value`` as text of a comment: on one line, and no parser directive."""
    return _CONTROL.sub(" ", value)


def _refuse_control(value: str) -> None:
    if _CONTROL.search(value):
        raise ValueError(f"control character in {value!r}")
