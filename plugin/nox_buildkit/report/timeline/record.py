"""The record of a timeline: what its page and its trace are made of, and the next is compared with.

Keys are only added.
"""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ValidationError

from nox_buildkit import output_files
from nox_buildkit.report.timeline.model import Timeline

NAME: Final = output_files.TIMELINE
#: Changes when a key is renamed or removed.
VERSION: Final = 1


class _Record(BaseModel):
    version: int
    timeline: Timeline


def serialize(timeline: Timeline) -> str:
    """Return the text of the record of ``timeline``."""
    return _Record(version=VERSION, timeline=timeline).model_dump_json() + "\n"


def parse(content: bytes) -> Timeline:
    """Read a record. Raises ValueError for anything else."""
    try:
        record = _Record.model_validate_json(content, strict=False)
    except (ValidationError, RecursionError) as error:
        raise ValueError("not a record of a timeline") from error
    if record.version != VERSION:
        raise ValueError("a record of another version")
    return record.timeline
