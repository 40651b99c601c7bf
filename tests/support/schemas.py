"""Documents for programs, compared with their committed schemas, key by key.

The library takes seconds to import, so only tests that use it do so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "docs/schemas"


def schema(name: str) -> dict[str, Any]:
    """Return the committed schema ``name``."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.schema.json").read_text())
    return found


def check_schema(schema: dict[str, Any]) -> None:
    """Refuse what is no schema by the draft that it names. Raises SchemaError."""
    import jsonschema  # noqa: PLC0415

    jsonschema.validators.validator_for(schema).check_schema(schema)


def mistake(value: Any, schema: dict[str, Any]) -> str:
    """Return what ``schema`` has against ``value``; empty for what it allows."""
    import jsonschema  # noqa: PLC0415

    errors = jsonschema.validators.validator_for(schema)(schema).iter_errors(value)
    return next((error.message for error in errors), "")


def validated(name: str, text: str) -> dict[str, Any]:
    """Return the document in ``text``, which holds nothing else, and no key that is not told."""
    document: dict[str, Any] = json.loads(text)
    assert not mistake(document, _closed(schema(name)))
    return document


def _closed(value: Any) -> Any:
    """Return a schema that allows no keys but its own."""
    if isinstance(value, list):
        return [_closed(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {key: _closed(each) for key, each in value.items()}
    # A key of a document may be called so as well.
    if isinstance(value.get("properties"), dict) and value.get("type") == "object":
        found["additionalProperties"] = False
    return found
