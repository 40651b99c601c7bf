"""Documents for programs, compared with their committed schemas, key by key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

FOLDER = Path(__file__).parents[2] / "docs/schemas"


def schema(name: str) -> dict[str, Any]:
    """Return the committed schema ``name``."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.schema.json").read_text())
    return found


def validated(name: str, text: str) -> dict[str, Any]:
    """Return the document in ``text``, which holds nothing else, and no key that is not told."""
    document: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator(_closed(schema(name))).validate(document)
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
