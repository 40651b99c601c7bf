from __future__ import annotations

import json

import pytest

from nox_buildkit.report.timeline.record import parse, serialize
from tests.support.timelines import hostile_timeline, timeline


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[1]",
        b"{" * 100_000,
        b'{"version": 1}',
        b"\xff",
        b'{"version": 1, "timeline": 3}',
    ],
    ids=lambda content: str(content[:20]),
)
def test_anything_else_is_no_record(content: bytes) -> None:
    with pytest.raises(ValueError, match="record"):
        parse(content)


def test_a_record_of_a_later_version_is_none() -> None:
    value = json.loads(serialize(timeline()))
    value["version"] = 2
    with pytest.raises(ValueError, match="version"):
        parse(json.dumps(value).encode())


def test_a_record_has_no_credentials() -> None:
    assert "hidden-token" not in serialize(hostile_timeline())
