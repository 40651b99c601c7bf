"""Output for programs: a JSON document, alone on standard output."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def print_json(document: DataclassInstance | Mapping[str, Any]) -> None:
    """Print ``document``: on one line, which a shell can pass on; indented in a terminal."""
    plain = document if isinstance(document, Mapping) else dataclasses.asdict(document)
    # Python indents 20 times slower than it writes.
    indent = 2 if sys.stdout.isatty() else None
    print(json.dumps(plain, default=str, indent=indent), flush=True)
