"""Output for programs: a JSON document, alone on standard output."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def print_json(
    document: DataclassInstance | Mapping[str, Any], *, indent: int | None = None
) -> None:
    """Print ``document``: on one line, which a shell can pass on, or indented for a reader."""
    plain = document if isinstance(document, Mapping) else dataclasses.asdict(document)
    print(json.dumps(plain, default=str, indent=indent), flush=True)
