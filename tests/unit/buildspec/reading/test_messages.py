"""Every mistake is told in words of ours, with a next step: pydantic's own never get through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.expected_types import ExpectedKind
from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.buildspec.reading.messages import KINDS
from nox_buildkit.buildspec.tree import KeyPath
from nox_buildkit.errors import SpecError
from nox_buildkit.oci.platform import PLATFORMS

#: Which errors each node of a core schema gives (pydantic.dev, "Validation Errors").
GIVEN: dict[str, set[str]] = {
    "bool": {"bool_type", "bool_parsing"},
    "default": set(),
    "definition-ref": set(),
    "definitions": set(),
    "dict": {"dict_type", "mapping_type"},
    "function-after": {"value_error"},
    "function-before": {"value_error"},
    "int": {"int_type", "int_parsing", "int_parsing_size", "int_from_float"},
    "literal": {"literal_error", "int_parsing_size"},
    "model": {"model_type", "model_attributes_type"},
    "model-field": {"missing"},
    "model-fields": {"extra_forbidden"},
    "no-info": set(),
    "with-info": set(),
    "nullable": set(),
    "str": {"string_type", "string_sub_type", "string_unicode"},
    # Every value has one of the tags of the one union.
    "tagged-union": set(),
    "tuple": {"tuple_type"},
}
#: Which errors each limit of a node gives.
LIMITS = {
    "ge": {"greater_than_equal"},
    "gt": {"greater_than"},
    "le": {"less_than_equal"},
    "lt": {"less_than"},
    "max_length": {"string_too_long", "too_long"},
    "min_length": {"too_short"},
    "multiple_of": {"multiple_of"},
    "pattern": {"string_pattern_mismatch"},
}
#: One of each that YAML knows, and some at the edge.
VALUES = [
    '""', "true", "-1", "1.5", ".nan", "2020-01-01", "99999999999999999999",
    "text", "[]", "[[]]", "[x, x]", "{}", "{a: {}}", "null", r'"\u202e"', r'"\ud800"',
]  # fmt: skip


def kinds_of(schema: Any) -> Iterator[str]:
    """Every kind of error that a core schema can give; KeyError for a node that is not known."""
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield from GIVEN[schema["type"]]
            for limit in LIMITS.keys() & schema.keys():
                yield from LIMITS[limit]
        for key, part in schema.items():
            if key not in ("metadata", "default", "serialization"):
                yield from kinds_of(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            yield from kinds_of(part)


def places(kind: ExpectedKind, path: KeyPath = ()) -> Iterator[KeyPath]:
    yield path
    for key in kind.keys:
        if inner := kind.child(key):
            yield from places(inner, (*path, key))
    if inner := kind.child("x" if kind.is_mapping else 0):
        name = "linux/amd64" if path[-1] == "per-platform" else "x"
        yield from places(inner, (*path, name if kind.is_mapping else 0))


def nested(path: KeyPath, value: str) -> str:
    for part in reversed(path):
        value = f"[{value}]" if part == 0 else f"{{{part}: {value}}}"
    return value


def test_every_error_that_the_model_can_give_has_words() -> None:
    assert set(kinds_of(BuildSpec.__pydantic_core_schema__)) <= KINDS


def test_every_wrong_value_at_every_place_gets_a_next_step() -> None:
    count = 0
    for path in places(ExpectedKind(BuildSpec)):
        for value in VALUES:
            try:
                parse(nested(path, value), "buildspec.yaml")
            except SpecError as error:
                for problem in error.problems:
                    count += 1
                    assert problem.hint, (path, value, problem)
                    assert "Input should" not in problem.message
    assert count > 5000


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("apt: 3", "apt: expected a list, found a number; write it like 'apt: [libpq5]'"),
        ("package: 2020-01-01", "expected true or false, found a date; write it like 'package: tr"),
        ("healthcheck: {test: [x], retries: 0}", "retries: too small; write at least 1"),
        ("healthcheck: {test: [x], retries: 9999}", "retries: too large; write at most 1000"),
        ("platforms: ['']", f"({', '.join(PLATFORMS)}); name one of these"),
    ],
)
def test_words_for_a_wrong_value(yaml: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(f"version: 1\nimages:\n  a:\n    {yaml}\n", "buildspec.yaml")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("images.a.apt", "", "images.a.apt: no value; write it like 'apt: [libpq5]'"),
        ("images.a.package", " ", "images.a.package: no value; write it like 'package: true'"),
        ("images.a.base", "sl\udcffim", ":1:1: not UTF-8 (byte 0xff); write the argument as UTF-8"),
        ("images.\udce4.base", "slim", "not UTF-8 (byte 0xe4); write the argument as UTF-8"),
    ],
)
def test_values_on_the_command_line_that_are_none(key: str, value: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse("{version: 1, images: {a: {}}}", "buildspec.yaml", [(key, value)])
    assert words in str(caught.value)
    assert str(caught.value).startswith("--set images.")
