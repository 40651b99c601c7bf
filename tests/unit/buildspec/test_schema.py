"""The generated files are those of the model, and the schema agrees with the reader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

from nox_buildkit.buildspec.model import (
    builder,
    buildspec,
    cache,
    image,
    requirement_set,
    runtime,
    signing,
    smoke_test,
    variant,
)
from nox_buildkit.buildspec.model.expected_types import ExpectedKind
from nox_buildkit.buildspec.model.strict import key_of
from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.buildspec.reading.overrides import as_written
from nox_buildkit.buildspec.reading.yaml_reader import read
from nox_buildkit.buildspec.reference import reference_page
from nox_buildkit.buildspec.schema import (
    REFERENCE_FILE,
    SCHEMA_FILE,
    json_schema,
    schema_text,
    write,
)
from nox_buildkit.errors import SpecError
from tests.support.schema_checks import check_jsonschema
from tests.support.schemas import check_schema, mistake

ROOT = Path(__file__).parents[3]

MODELS = (
    buildspec.BuildSpec, builder.Builder, builder.Node, builder.Tls, cache.Cache, image.Image,
    requirement_set.Requirements, runtime.Account, runtime.File, runtime.Healthcheck, runtime.Step,
    signing.Attestations, signing.Signing, smoke_test.Test, variant.Variant,
)  # fmt: skip

ACCEPTED = [
    "{command: [python, -m, app]}",
    "{base: debian, python: '3.12', platforms: [linux/amd64]}",
    "{base: 'localhost:5000/a/b:c', copy: [a, b/c], workdir: /srv/api}",
    "{env: {A: x, PORT: 8000}, labels: {a.b/c: d, n: 1}, user: 1000}",
    "{user: www-data, expose: [80, 53/udp], tags: ['{version}-x', latest], entrypoint: []}",
    "{requirements: web}",
    "{cache: registry}",
    "{cache: {type: s3, bucket: a, region: b, endpoint: 'https://s3.example.com'}}",
]
REFUSED = [
    "{platfroms: []}",
    "{copy_: [a]}",
    "{base: Slim}",
    "{base: scratch}",
    "{python: 3.10}",
    "{python: '2.7'}",
    "{platforms: [arm64]}",
    "{platforms: []}",
    "{platforms: [linux/amd64, linux/amd64]}",
    "{command: python -m app}",
    "{command: [a, 1]}",
    "{copy: [/etc]}",
    "{copy: ['*.py']}",
    "{env: {A: no}}",
    "{env: {A: 1.5}}",
    "{env: {'1A': x}}",
    "{env: [A=b]}",
    "{labels: {'a b': c}}",
    "{user: Root}",
    "{workdir: app}",
    "{workdir: /}",
    "{expose: [70000]}",
    "{expose: [80/http]}",
    "{tags: ['{sha}']}",
    "{tags: []}",
    "{user: }",
    "{cache: s3}",
    "{cache: {path: a}}",
    "{cache: {type: s3, bucket: a, region: b, secret_access_key: c}}",
    "",
]


def spec(image: str) -> str:
    return f"version: 1\nrequirements: {{web: {{source: a.in}}}}\nimages:\n  api: {image}\n"


def test_the_committed_files_are_the_generated_ones() -> None:
    hint = "run python -m nox_buildkit.buildspec.schema"
    assert (ROOT / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text(), hint
    assert (ROOT / REFERENCE_FILE).read_text(encoding="utf-8") == reference_page(), hint


def test_write_makes_both_files(tmp_path: Path) -> None:
    assert [path.read_text(encoding="utf-8") for path in write(tmp_path)] == [
        schema_text(),
        reference_page(),
    ]


def test_the_schema_is_a_schema() -> None:
    check_schema(json_schema())


@pytest.mark.parametrize("image", ACCEPTED)
def test_reader_and_schema_accept(image: str) -> None:
    parse(spec(image), "buildspec.yaml")
    assert not mistake(yaml.safe_load(spec(image)), json_schema())


@pytest.mark.parametrize("image", REFUSED)
def test_reader_and_schema_refuse(image: str) -> None:
    with pytest.raises(SpecError):
        parse(spec(image), "buildspec.yaml")
    assert mistake(yaml.safe_load(spec(image)), json_schema())


@pytest.mark.parametrize(
    "text",
    [
        "version: 2\nimages: {a: {}}",
        "images: {a: {}}",
        "version: 1\nimages: {}",
        "version: 1",
        "version: 1\nimages: {A: {}}",
        "version: 1\nregistry: https://x.io\nimages: {a: {}}",
        "version: 1\nrequirements: {a: {}}\nimages: {a: {}}",
        "version: 1\nrequirements: {none: {source: a.in}}\nimages: {a: {}}",
        "version: 1\nrequirements: {a: {source: setup.sh}}\nimages: {a: {}}",
        "version: 1\nrequirements: {a: {source: a.in, index: 'https://u:p@h/'}}\nimages: {a: {}}",
    ],
)
def test_reader_and_schema_refuse_at_the_top(text: str) -> None:
    with pytest.raises(SpecError):
        parse(text, "buildspec.yaml")
    assert mistake(yaml.safe_load(text), json_schema())


def objects(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All keys that can be written, with what the schema says of each."""
    for name, definition in ({"": schema} | schema["definitions"]).items():
        for key, field in definition["properties"].items():
            yield f"{name}.{key}", field


def test_every_key_is_described_and_every_example_is_valid() -> None:
    schema = json_schema()
    for key, field in objects(schema):
        assert field["description"][-1] in ".`", key
        assert field["examples"], key
        inner = {**field, **{key: schema[key] for key in ("$schema", "definitions")}}
        for value in [*field["examples"], *([field["default"]] if "default" in field else [])]:
            assert not mistake(value, inner), key


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_example_is_what_the_reader_takes(model: type[BaseModel]) -> None:
    kinds = ExpectedKind(model)
    for name, field in model.model_fields.items():
        # Rules between keys are left out: an example is of its key alone.
        alone: TypeAdapter[object] = TypeAdapter(field.rebuild_annotation())
        assert field.examples, name
        for example in field.examples:
            # JSON is YAML.
            written = read(json.dumps(example), "example", ()).root
            assert written, name
            value = as_written(written, kinds.child(key_of(name))).data()
            alone.validate_python(value, by_alias=True, by_name=False)


def test_models_are_all_that_the_schema_defines() -> None:
    assert {model.__name__ for model in MODELS} == {"BuildSpec", *json_schema()["definitions"]}


def test_the_schema_is_what_schemastore_takes(tmp_path: Path) -> None:
    schema = json_schema()
    check_schema(schema)
    assert list(schema)[:3] == ["$schema", "$id", "title"]
    # What is beside a reference is not read in this draft.
    assert "$defs" not in schema_text()
    for _, field in objects(schema):
        assert "$ref" not in field or len(field) == 1
    path = tmp_path / "nox-buildkit.json"
    path.write_text(schema_text())
    done = check_jsonschema("--check-metaschema", path)
    assert done.exit_code == 0, done.output


def test_an_editor_is_told_of_an_unknown_key_deep_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "buildspec.yaml"
    path.write_text("version: 1\nimages:\n  web: {healthcheck: {test: [a], intervall: 3s}}\n")
    done = check_jsonschema("--schemafile", ROOT / SCHEMA_FILE, path)
    assert done.exit_code == 1
    assert "intervall" in done.output
