"""The record of a build in dist/build.json, and that of a push in dist/release.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nox_buildkit.files import write_atomic
from nox_buildkit.report.console import say
from nox_buildkit.report.summary import Archive, ImageResult, Layer, PlatformResult

BUILD = "build.json"
RELEASE = "release.json"

#: A record of a thousand images is smaller, in bytes.
_LARGEST = 1 << 26

_UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a record says of an image; ``plan``: the digest of the plan that it was built of."""

    plan: str
    result: ImageResult


def read(path: Path, *, tell: bool = False) -> dict[str, Recorded]:
    """What the record ``path`` says of each image; empty if there is none.

    One that cannot be read counts as none; ``tell``: say so.
    """
    try:
        return {name: _recorded(name, entry) for name, entry in _entries(path).items()}
    except FileNotFoundError:
        return {}
    except _UNREADABLE:
        if tell:
            say(f"{path} is not a record of a build: it is not used")
        return {}


def write(path: Path, results: Iterable[ImageResult], plans: Mapping[str, str]) -> None:
    """Write ``results`` to the record ``path``; images that are not among them keep their entries.

    ``plans``: the digest of each image's plan.
    """
    record = to_json(results)
    for name, entry in record["images"].items():
        entry["plan"] = plans[name]
    kept = _entries(path) if read(path) else {}
    record["images"] = {**kept, **record["images"]}
    write_atomic(path, json.dumps(record, indent=2) + "\n")


def to_json(results: Iterable[ImageResult]) -> dict[str, Any]:
    """The content of a record (sizes in bytes; those of layers are compressed)."""
    return {"version": 1, "images": {result.name: _image(result) for result in results}}


def _entries(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        content = stream.read(_LARGEST)
    images: dict[str, Any] = json.loads(content)["images"]
    return images


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
    )
    return Recorded(_text(entry["plan"]), result)


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
    }
