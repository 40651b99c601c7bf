"""No string of a spec can become anything but a value."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_buildkit.render import quote

HOSTILE = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from(list("\"'`$\\{}%#&|;<>()!*?[]~ \n\r\t")),
    ),
    max_size=60,
) | st.sampled_from(
    [
        'x"\nRUN touch /pwned',
        "x\\\nRUN id",
        "$(id)",
        "`id`",
        "${PATH}",
        "$$PATH",
        "${x:-$(id)}",
        "%{if true}x%{endif}",
        "'; id; '",
        '" && id && "',
        "x\u2028RUN id",
        "<<EOF",
        "# syntax=evil/frontend",
    ]
)


def words_of_dockerfile(text: str) -> str:
    """What the Dockerfile makes of one double-quoted word (Dockerfile reference, ENV)."""
    assert text[0] == text[-1] == '"'
    inner = text[1:-1]
    assert not re.search(r'(?<!\\)(?:\\\\)*["$]', inner), "ends early, or expands a variable"
    return re.sub(r"\\(.)", r"\1", inner)


@given(HOSTILE)
def test_a_dockerfile_word_stays_on_its_line_and_says_what_was_meant(value: str) -> None:
    try:
        quoted = quote.dockerfile_word(value)
    except ValueError:
        assert any(
            (ord(c) < 32 and c != "\t") or ord(c) == 127 or c in "\u2028\u2029\x85" for c in value
        )
        return
    assert len(quoted.splitlines()) == 1
    assert words_of_dockerfile(quoted) == value


@given(st.lists(HOSTILE, max_size=4))
def test_exec_form_is_one_line_of_json(words: list[str]) -> None:
    quoted = quote.exec_form(words)

    assert len(quoted.splitlines()) == 1
    assert json.loads(quoted) == words


@given(HOSTILE)
def test_a_shell_word_is_one_word(value: str) -> None:
    try:
        quoted = quote.shell_word(value)
    except ValueError:
        return
    assert shlex.split(quoted) == [value]
    assert len(quoted.splitlines()) == 1


@given(HOSTILE)
def test_a_bake_string_has_no_template_left(value: str) -> None:
    escaped = quote.bake_string(value)

    assert escaped.replace("$${", "${").replace("%%{", "%{") == value
    assert not re.search(r"(?<!\$)(?:\$\$)*\$\{", escaped.replace("$${", ""))


@given(HOSTILE)
def test_a_comment_is_one_line(value: str) -> None:
    assert len(f"# {quote.comment(value)}".splitlines()) == 1


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\x00b"])
def test_line_breaks_are_refused_where_they_would_end_an_instruction(value: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        quote.dockerfile_word(value)


def test_a_tab_is_a_value_like_any_other() -> None:
    assert quote.dockerfile_word("a\tb") == '"a\tb"'
