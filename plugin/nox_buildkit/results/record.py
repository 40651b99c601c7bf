"""The record of a build in dist/build.json, and that of a push in dist/release.json, as text.

Everything that it has is in docs/json.md; keys are only added.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nox_buildkit import output_files
from nox_buildkit.results.model import (
    Archive,
    ImageResult,
    Layer,
    PlatformResult,
    Publication,
)

BUILD = output_files.BUILD
RELEASE = output_files.RELEASE

#: Changes when a key is renamed or removed.
VERSION = 1

_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record's entry of an image; ``plan``: the digest of the plan that it was built of."""

    plan: str
    result: ImageResult


def parse(content: bytes) -> dict[str, Recorded]:
    """Read a record: image → what it says of it. Raises ValueError for anything else."""
    try:
        images = json.loads(content)["images"].items()
        return {name: _recorded(name, entry) for name, entry in images}
    except _UNREADABLE as error:
        raise ValueError("not a record of a build") from error


def serialize(recorded: Mapping[str, Recorded]) -> str:
    """Return the text of a record; `parse` is its inverse, but for ``up_to_date``."""
    images = {name: {**_image(each.result), "plan": each.plan} for name, each in recorded.items()}
    return json.dumps({"version": VERSION, "images": images}, indent=2) + "\n"


def to_json(results: Iterable[ImageResult]) -> dict[str, Any]:
    """The content of a record (sizes in bytes; those of layers are compressed)."""
    return {"version": VERSION, "images": {result.name: _image(result) for result in results}}


def _recorded(name: str, entry: Mapping[str, Any]) -> Recorded:
    """An entry as the result of a run that found nothing to do. Raises one of _UNREADABLE."""
    platforms = tuple(
        PlatformResult(
            platform,
            _text(value["digest"]),
            tuple(
                Layer(layer["kind"], _text(layer["digest"]), _number(layer["size"]))
                for layer in value["layers"]
            ),
        )
        for platform, value in entry["platforms"].items()
    )
    result = ImageResult(
        name=name,
        digest=_text(entry["digest"]),
        platforms=platforms,
        tags=tuple(map(_text, entry["tags"])),
        output=_text(entry["output"]),
        archive=Archive(_number(entry["archive"]["size"]), _text(entry["archive"]["sha256"])),
        cached=_number(entry["steps"]["cached"]),
        executed=_number(entry["steps"]["executed"]),
        seconds=float(entry["seconds"]),
        up_to_date=True,
        warnings=tuple(map(_text, entry["warnings"])),
        publications=tuple(map(_publication, entry.get("publications", ()))),
    )
    return Recorded(_text(entry["plan"]), result)


def _publication(entry: Mapping[str, Any]) -> Publication:
    return Publication(
        _text(entry["repository"]),
        _text(entry["digest"]),
        tuple(map(_text, entry["tags"])),
        tuple((_text(tag), _text(why)) for tag, why in entry["kept"].items()),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value


def _image(result: ImageResult) -> dict[str, Any]:
    return {
        "digest": result.digest,
        "tags": list(result.tags),
        "output": result.output,
        "archive": {"size": result.archive.size, "sha256": result.archive.sha256},
        "platforms": {
            platform.platform: {
                "digest": platform.digest,
                "size": platform.size,
                "layers": [
                    {"kind": layer.kind, "digest": layer.digest, "size": layer.size}
                    for layer in platform.layers
                ],
            }
            for platform in result.platforms
        },
        "steps": {"cached": result.cached, "executed": result.executed},
        "seconds": round(result.seconds, 3),
        "up_to_date": result.up_to_date,
        "warnings": list(result.warnings),
        "publications": [
            {
                "repository": each.repository,
                "digest": each.digest,
                "tags": list(each.tags),
                "kept": dict(each.kept),
            }
            for each in result.publications
        ],
    }
