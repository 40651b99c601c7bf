"""Environment values in commands: what asks for them, and what stands for itself."""

from __future__ import annotations

import pytest

from nox_buildkit.buildspec.model.interpolation import Variable, asks, interpolated, known


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("0.0.0.0:${PORT:-8000}", ("0.0.0.0:", Variable("PORT", "8000"))),
        ("${HOST}:${PORT}", (Variable("HOST"), ":", Variable("PORT"))),
        ("${A:-}", (Variable("A", ""),)),
        ("${A:-a-b:c d}", (Variable("A", "a-b:c d"),)),
        ("$${A} costs $$5, $5 and $A", ("${A} costs $5, $5 and $A",)),
        ("$$${A}", ("$", Variable("A"))),
    ],
)
def test_a_word_is_read_as_compose_reads_it(word: str, parts: tuple[object, ...]) -> None:
    assert dict(interpolated([word, "${X}"]))[word] == parts


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["gunicorn", "--workers", "${N:-2}"], True),
        (["echo", "$${N}"], True),
        (["echo", "$$", "$N"], False),
        (["sh", "-c", "exec gunicorn --bind :${PORT:-8000}"], False),
        (["tini", "--", "/bin/bash", "-euc", "echo ${1##*/}"], False),
        (["sh", "-e", "-c", "for f in a; do echo ${f}; done"], False),
        (["bash", "-l", "-euo", "pipefail", "-c", "echo ${OPTS:?no}"], False),
        (["bash", "+o", "posix", "-xc", "echo ${A}"], False),
        (["bash", "-eu", "start.sh", "-c", "${PORT}"], True),
        (["env", "A=1", "sh", "-e", "-c", "echo ${A}"], False),
        (["sh", "start.sh", "${PORT}"], True),
        (["python", "-c", "print('${PORT}')"], True),
    ],
)
def test_a_command_asks_for_values_unless_a_shell_reads_it(words: list[str], found: bool) -> None:
    assert asks(words) == found
    assert bool(dict(interpolated(words))) == found


def test_what_the_image_itself_says_is_known() -> None:
    environment = {"PORT": "80", "EMPTY": ""}
    said = [known(word, environment) for word in ("${PORT:-1}", "${EMPTY:-x}", "${GONE}", "$$5")]
    assert said == ["80", "x", "${GONE}", "$$5"]
