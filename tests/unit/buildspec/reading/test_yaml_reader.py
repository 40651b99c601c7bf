"""YAML that is refused, and where."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nox_buildkit.buildspec.reading.yaml_reader import (
    MAX_DEPTH,
    MAX_NODES,
    MAX_SIZE,
    Document,
    read,
)


def lines(document: Document) -> list[str]:
    return [str(problem) for problem in document.problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "",
            "f.yaml:1:1: the file is empty; the smallest one is: {version: 1, "
            "images: {app: {command: [python, -m, app]}}}",
        ),
        (
            "# nothing\n",
            "f.yaml:1:1: the file is empty; the smallest one is: {version: 1, "
            "images: {app: {command: [python, -m, app]}}}",
        ),
        (
            "a: [1, 2\n",
            "f.yaml:2:1: not valid YAML: expected ',' or ']', but got '<stream end>' "
            "(while parsing a flow sequence)",
        ),
        (
            "a:\n\tb: 1\n",
            "f.yaml:2:1: not valid YAML: found character '\\t' that cannot start any token "
            "(while scanning for the next token); indent with spaces, not with tabs",
        ),
        ("a: 1\n---\nb: 1\n", "f.yaml:2:1: a second document; one file holds one"),
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "f.yaml:4:3: b.c: duplicate key; it is set at line 3 too"),
        (
            "on: 1\n",
            "f.yaml:1:1: on: YAML 1.1 reads 'on' as the boolean true; write it in quotes: \"on\"",
        ),
        (
            "a:\n  8080: x\n",
            'f.yaml:2:3: a.8080: YAML reads 8080 as the number 8080; write it in quotes: "8080"',
        ),
        ("? [a]\n: b\n", "f.yaml:1:3: a key must be a string"),
        ("? \n: b\n", "f.yaml:1:2: an empty key; name it"),
        (
            "a: !!python/object/apply:os.system [id]\n",
            "f.yaml:1:4: a: the tag '!!python/object/apply:os.system' is not read here; remove it",
        ),
        ("a: !secret x\n", "f.yaml:1:4: a: the tag '!secret' is not read here; remove it"),
        ("a: !!int x\n", "f.yaml:1:4: a: 'x' is not a valid int; use quotes"),
        ("a: 2026-99-99\n", "f.yaml:1:4: a: '2026-99-99' is not a valid timestamp; use quotes"),
        ("a: &x {b: *x}\n", "f.yaml:1:4: an alias inside its own anchor"),
        ("a: &x {<<: *x}\n", "f.yaml:1:4: an alias inside its own anchor"),
        ("a: {<<: b}\n", "f.yaml:1:9: a: only mappings can be merged with '<<'"),
        ("a: *b\n", "f.yaml:1:4: not valid YAML: found undefined alias 'b'"),
        ("a: b\nc: \x07\n", "f.yaml:2:4: the character U+0007 is not allowed"),
        (
            'a: "\\UFFFFFFFF"\n',
            "f.yaml:1:1: not valid YAML: a number or an escape that is out of range",
        ),
    ],
)
def test_refuses(text: str, problem: str) -> None:
    assert lines(read(text, "f.yaml")) == [problem]


def test_reports_every_problem_of_a_readable_text() -> None:
    document = read("no: 1\na: 1\na: 2\nb: !x 1\n", "f.yaml")
    assert [problem.location.line for problem in document.problems if problem.location] == [1, 3, 4]


def test_keeps_the_text_of_plain_scalars_that_are_not_strings() -> None:
    root = read("a: 3.10\nb: 010\nc: 1:30\nd: yes\ne: text\nf: '3.10'\ng:\n", "f.yaml").root
    assert root is not None
    assert isinstance(root.value, dict)
    assert {key: (node.value, node.raw) for key, node in root.value.items()} == {
        "a": (3.1, "3.10"),
        "b": (8, "010"),
        "c": (90, "1:30"),
        "d": (True, "yes"),
        "e": ("text", None),
        "f": ("3.10", None),
        "g": (None, ""),
    }


def test_knows_where_keys_and_values_are() -> None:
    root = read("a:\n  - b: c\n    d: [e, f]\n", "f.yaml").root
    assert root is not None
    assert str(root.locate(["a", 0, "d", 1])) == "f.yaml:3:12: a.0.d.1"
    assert str(root.locate(["a", 0, "d"], key=True)) == "f.yaml:3:5: a.0.d"
    assert str(root.locate(["a", 0, "d", 7, "x"])) == "f.yaml:3:5: a.0.d.7.x"
    assert str(root.locate(["nothing"])) == "f.yaml:1:1: nothing"


def test_merges_mappings_own_keys_first() -> None:
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {c: 3, <<: [*x, *y]}\n"
    document = read(text, "f.yaml")
    assert document.problems == []
    assert document.root is not None
    assert document.root.data()["z"] == {"a": 1, "b": 1, "c": 3}
    assert document.root.locate(["z", "b"]).line == 1


@pytest.mark.parametrize("join", ["[{}]", "{{k0: {}}}"])
def test_alias_bomb_is_refused_quickly(join: str) -> None:
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 25):
        aliases = ", ".join([f"*a{level - 1}"] * 10) if join == "[{}]" else f"*a{level - 1}"
        bomb.append(f"a{level}: &a{level} " + join.format(aliases))
    if join != "[{}]":
        bomb = ["a0: &a0 {" + ", ".join(f"k{i}: v" for i in range(10)) + "}"]
        bomb += [f"a{i}: &a{i} [{', '.join([f'<<: *a{i - 1}'] * 10)}]" for i in range(1, 25)]
    started = time.perf_counter()
    document = read("\n".join(bomb), "f.yaml")
    assert "too many values" in lines(document)[-1]
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, f"nested too deeply; at most {MAX_DEPTH} levels"),
        ("- " * 60_000, f"nested too deeply; at most {MAX_DEPTH} levels"),
        ("{a: " * 50_000, f"nested too deeply; at most {MAX_DEPTH} levels"),
        ("- a\n" * 50_000, f"too many values; at most {MAX_NODES}, aliases included"),
        ("x" * (MAX_SIZE + 1), "the file is too large; at most 256 KiB"),
    ],
)
def test_limits(text: str, message: str) -> None:
    started = time.perf_counter()
    assert message in lines(read(text, "f.yaml"))[0]
    assert time.perf_counter() - started < 5


YAML_PIECES = st.sampled_from(
    [*"abc01:-[]{},&*!|>'\"%@`#?\n\t \\", "<<: ", "&a ", "*a ", "!!int ", "\n  ", "---", "\\U"]
)


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(YAML_PIECES).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    document = read(text, "f.yaml")
    assert document.root is not None or document.problems
    for line in lines(document):
        assert line.startswith("f.yaml:")
        assert "\n" not in line
        line.encode()
