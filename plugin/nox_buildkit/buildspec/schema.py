"""The JSON Schema of a buildspec, for editors, and the files that are generated from the model.

``python -m nox_buildkit.buildspec.schema [ROOT]`` writes them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.reference import reference_page

#: Where SchemaStore keeps schemas, by name.
SCHEMA_ID = "https://json.schemastore.org/nox-buildkit.json"
SCHEMA_FILE = "docs/buildspec.schema.json"
REFERENCE_FILE = "docs/reference.md"


_HEAD = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "$id": SCHEMA_ID,
    "title": "nox-buildkit buildspec",
}


class _Generator(GenerateJsonSchema):
    """JSON Schema of what may be written, where pydantic's is of what a field may hold."""

    def generate(
        self, schema: core_schema.CoreSchema, mode: JsonSchemaMode = "validation"
    ) -> JsonSchemaValue:
        generated = _draft_07(super().generate(schema, mode))
        return {**_HEAD, **{k: v for k, v in generated.items() if k not in _HEAD}}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        # None means that a key is left out; an empty key is a mistake.
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        generated = super().default_schema(schema)
        if isinstance(default := generated.get("default"), dict):
            generated["default"] = {k: v for k, v in default.items() if v is not None}
        return generated

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        # A pattern in propertyNames makes a wrong name an error; in patternProperties, it would
        # only make the name unknown.
        generated: JsonSchemaValue = {"type": "object"}
        if "keys_schema" in schema:
            names = self.generate_inner(schema["keys_schema"])
            generated["propertyNames"] = {k: v for k, v in names.items() if k != "type"}
        if "values_schema" in schema:
            generated["additionalProperties"] = self.generate_inner(schema["values_schema"])
        if "min_length" in schema:
            generated["minProperties"] = schema["min_length"]
        return generated


def _draft_07(node: Any) -> Any:
    """Return a part of pydantic's schema (draft 2020-12) in the draft that all editors know.

    Definitions have another place there, and whatever stands beside a ``$ref`` is not read.
    """
    if isinstance(node, list):
        return [_draft_07(part) for part in node]
    if not isinstance(node, dict):
        return node
    renamed = {"definitions" if key == "$defs" else key: _draft_07(v) for key, v in node.items()}
    if isinstance(reference := renamed.get("$ref"), str):
        target = {"$ref": reference.replace("#/$defs/", "#/definitions/")}
        beside = {key: value for key, value in renamed.items() if key != "$ref"}
        return {"allOf": [target], **beside} if beside else target
    return renamed


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft-07) of the keys, types and patterns that the reader accepts.

    What it cannot say (a set of requirements that is not defined, for one) the reader alone says.
    """
    return BuildSpec.model_json_schema(by_alias=True, schema_generator=_Generator)


def schema_text() -> str:
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def write(root: Path) -> tuple[Path, ...]:
    """Write the schema and the reference page below ``root``, and return their paths."""
    files = {root / SCHEMA_FILE: schema_text(), root / REFERENCE_FILE: reference_page()}
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return tuple(files)


if __name__ == "__main__":
    for written in write(Path(sys.argv[1] if len(sys.argv) > 1 else ".")):
        print(written)
