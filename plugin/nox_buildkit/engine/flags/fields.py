"""Fields of one option: ``key=value``, as a line of CSV (RFC 4180) that buildx reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

Fields = tuple[tuple[str, str], ...]


def join(fields: Iterable[tuple[str, str]]) -> str:
    """Write ``fields``: a field with a comma, a quote or a line break is quoted."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(f"{key}={value}" for key, value in fields)
    return line.getvalue()


def split(text: str) -> Fields:
    """Read what :func:`join` writes. Raises ValueError."""
    try:
        (row,) = csv.reader(io.StringIO(text, newline=""), strict=True)
    except csv.Error as error:
        raise ValueError(f"{text!r}: {error}") from None
    pairs = [field.partition("=") for field in row]
    if not all(key and equals for key, equals, _ in pairs):
        raise ValueError(f"{text!r} is not a list of KEY=VALUE")
    return tuple((key, value) for key, _, value in pairs)


def take(fields: Fields, *keys: str) -> tuple[str, ...]:
    """Return the values of ``keys``, which are all that there may be. Raises ValueError."""
    values = dict(fields)
    if len(values) < len(fields) or set(values) != set(keys):
        raise ValueError(f"{join(fields)!r} has not just {', '.join(keys)}")
    return tuple(values[key] for key in keys)
