"""Properties that hold for every input."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.container_values import RESERVED
from nox_buildkit.buildspec.model.grammar import PLATFORMS
from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.errors import SpecError

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
NAMES = st.text(LETTERS, min_size=1, max_size=4)
VISIBLE = st.characters(exclude_categories=["C", "Zl", "Zp"])
VALUES = st.text(VISIBLE, max_size=8)
ARGUMENTS = st.text(VISIBLE | st.sampled_from("\n\t"), max_size=8).filter(lambda x: "${" not in x)
PATHS = st.lists(NAMES | st.just(".hidden"), min_size=1, max_size=3).map("/".join)
FORMS = st.lists(ARGUMENTS, max_size=3).filter(lambda form: not form or bool(form[0].strip()))
IMAGES = st.fixed_dictionaries(
    {},
    optional={
        "context": PATHS,
        "base": st.sampled_from(["slim", "debian", "python:3.13", "[::1]:5000/a/b:c"]),
        "python": st.integers(9, 40).map("3.{}".format),
        "platforms": st.lists(st.sampled_from(PLATFORMS), min_size=1, unique=True),
        "copy": st.lists(PATHS, unique=True, max_size=3),
        "entrypoint": FORMS,
        "command": FORMS,
        "env": st.dictionaries(NAMES.map("_{}".format), VALUES, max_size=3),
        "user": st.sampled_from(["0", "10001:10001", "www-data", "app:staff"]),
        "workdir": PATHS.map("/{}".format).filter(lambda path: not re.match(RESERVED, path)),
        "expose": st.lists(st.integers(1, 65535), unique=True, max_size=3),
        "labels": st.dictionaries(NAMES, VALUES, max_size=3),
        "tags": st.lists(st.sampled_from(["{version}", "1.10", "a_b"]), min_size=1, unique=True),
    },
)
SPECS = st.fixed_dictionaries(
    {"version": st.just(1), "images": st.dictionaries(NAMES, IMAGES, min_size=1, max_size=3)},
    optional={
        "registry": st.sampled_from(["127.0.0.1:5000/demo", "ghcr.io/x"]),
        "defaults": IMAGES,
        "requirements": st.dictionaries(
            NAMES.filter(lambda name: name != "none"),
            st.fixed_dictionaries({"source": PATHS.map("{}.txt".format)}),
            max_size=2,
        ),
    },
)
# Any shape of YAML under keys that exist, so that most inputs get past the first check.
KEYS = st.sampled_from(
    ["version", "images", "defaults", "env", "tags", "command", "a", "requirements"]
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
SHAPES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
)


def dumped(spec: BuildSpec) -> str:
    content = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    return yaml.safe_dump(content, allow_unicode=False)


@settings(deadline=None, max_examples=50)
@given(SPECS)
def test_valid_specs_round_trip(content: dict[str, Any]) -> None:
    spec = parse(yaml.safe_dump(content), "buildspec.yaml")
    assert parse(dumped(spec), "again.yaml") == spec


@settings(deadline=None, max_examples=50)
@given(SPECS, st.data())
def test_an_image_has_its_own_value_else_that_of_defaults(
    content: dict[str, Any], data: st.DataObject
) -> None:
    spec = parse(yaml.safe_dump(content), "buildspec.yaml")
    name = data.draw(st.sampled_from(sorted(content["images"])))
    own, common = content["images"][name], content.get("defaults", {})
    assert spec.images[name].env == {**common.get("env", {}), **own.get("env", {})}
    if "python" in own or "python" in common:
        assert spec.images[name].python == own.get("python", common.get("python"))


@settings(deadline=None)
@given(st.text())
def test_any_text_gives_a_spec_or_a_spec_error(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text, "buildspec.yaml")
    assert caught.value.problems


@settings(deadline=None)
@given(st.dictionaries(KEYS, SHAPES), st.sampled_from(["", "version: 1\n"]))
def test_any_shape_gives_a_spec_or_lines_with_positions(shape: Any, head: str) -> None:
    if head:
        shape.pop("version", None)
    try:
        parse(head + (yaml.safe_dump(shape) if shape else ""), "buildspec.yaml")
    except SpecError as error:
        for problem in error.problems:
            assert str(problem).startswith("buildspec.yaml:")


@settings(deadline=None)
@given(st.text(), st.text())
def test_any_override_gives_a_spec_or_a_spec_error(key: str, value: str) -> None:
    try:
        parse("version: 1\nimages: {a: {}}", "buildspec.yaml", [(key, value)])
    except SpecError as error:
        assert all("\n" not in str(problem) for problem in error.problems)


@settings(deadline=None)
@given(st.text())
def test_no_hostile_string_survives_where_it_could_end_a_line(value: str) -> None:
    keys = ("base", "python", "user", "workdir", "context", "env.A", "labels.a")
    quoted = yaml.safe_dump(value, default_style='"').strip()
    for key in keys:
        override = (f"images.a.{key}", quoted)
        try:
            spec = parse("version: 1\nimages: {a: {}}", "buildspec.yaml", [override])
        except SpecError:
            continue
        image = spec.images["a"]
        texts = (image.base, image.python, image.user, image.workdir, image.context)
        for text in (*texts, *image.env.values(), *image.labels.values()):
            assert not set("\n\r\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029") & set(text)
