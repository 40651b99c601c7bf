"""The generated files are those of the model, and the schema agrees with the reader."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.buildspec.reference import reference_page
from nox_buildkit.buildspec.schema import (
    REFERENCE_FILE,
    SCHEMA_FILE,
    json_schema,
    schema_text,
    write,
)
from nox_buildkit.errors import SpecError

ROOT = Path(__file__).parents[3]

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
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("image", ACCEPTED)
def test_reader_and_schema_accept(image: str) -> None:
    parse(spec(image), "buildspec.yaml")
    jsonschema.validate(yaml.safe_load(spec(image)), json_schema())


@pytest.mark.parametrize("image", REFUSED)
def test_reader_and_schema_refuse(image: str) -> None:
    with pytest.raises(SpecError):
        parse(spec(image), "buildspec.yaml")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(spec(image)), json_schema())


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
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), json_schema())


def test_every_key_is_described_and_every_example_is_valid() -> None:
    schema = json_schema()
    for definition in (schema, *schema["$defs"].values()):
        for key, field in definition["properties"].items():
            assert field["description"], key
            inner = {**{k: v for k, v in field.items() if k != "$ref"}, "$defs": schema["$defs"]}
            inner |= {"$ref": field["$ref"]} if "$ref" in field else {}
            for example in field["examples"]:
                jsonschema.validate(example, inner)
