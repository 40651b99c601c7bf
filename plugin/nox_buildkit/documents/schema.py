"""JSON Schemas of every document, generated from its type.

``python -m nox_buildkit.documents.schema [ROOT]`` writes them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from nox_buildkit.documents.doctor import DoctorDocument
from nox_buildkit.documents.engines import EngineDocument, EnvironmentDocument
from nox_buildkit.documents.plans import MatrixDocument, PlanDocument, TagsDocument
from nox_buildkit.documents.published import VerifyDocument
from nox_buildkit.documents.records import RecordDocument, RunnerDocument
from nox_buildkit.documents.sessions import (
    InitDocument,
    LockDocument,
    RenderDocument,
    ResolveDocument,
)

FOLDER = "docs/schemas"

#: Each shape by the name of its schema.
SHAPES: Mapping[str, type] = {
    "build": RecordDocument,
    "doctor": DoctorDocument,
    "engine": EngineDocument,
    "engine-env": EnvironmentDocument,
    "init": InitDocument,
    "lock": LockDocument,
    "matrix": MatrixDocument,
    "plan": PlanDocument,
    "release": RecordDocument,
    "render": RenderDocument,
    "resolve": ResolveDocument,
    "result": RunnerDocument,
    "tags": TagsDocument,
    "verify": VerifyDocument,
}


class _Generator(GenerateJsonSchema):
    """JSON Schema of what is written: every key is there, with a default or without."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        return True

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the shape ``name``.

    Keys that it does not have are allowed: they are added without a new version.
    """
    schema = TypeAdapter(SHAPES[name]).json_schema(
        mode="serialization", schema_generator=_Generator
    )
    return {"$schema": _Generator.schema_dialect, **schema}


def schema_text(name: str) -> str:
    """Return the content of its file."""
    text = json.dumps(schema_of(name), indent=2, ensure_ascii=False)
    # Docstrings have two where Markdown has one.
    return text.replace("``", "`") + "\n"


def write(root: Path) -> tuple[Path, ...]:
    """Write every schema below ``root``, and return their paths."""
    files = {root / FOLDER / f"{name}.schema.json": schema_text(name) for name in SHAPES}
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return tuple(files)


if __name__ == "__main__":
    for written in write(Path(sys.argv[1] if len(sys.argv) > 1 else ".")):
        print(written)
