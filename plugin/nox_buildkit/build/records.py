"""Records of builds and pushes, in files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from nox_buildkit.files import write_atomic
from nox_buildkit.report.console import say
from nox_buildkit.results.model import ImageResult
from nox_buildkit.results.record import Recorded, parse, serialize

#: A record of a thousand images is smaller, in bytes.
_LARGEST = 1 << 26


def read(path: Path, *, tell: bool = False) -> dict[str, Recorded]:
    """Return the entries of the record ``path`` by image; empty if there is none.

    One that cannot be read counts as none; ``tell``: say so.
    """
    try:
        with path.open("rb") as stream:
            return parse(stream.read(_LARGEST))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        if tell:
            say(f"{path} is not a record of a build: it is not used")
        return {}


def write(path: Path, results: Iterable[ImageResult], plans: Mapping[str, str]) -> None:
    """Write ``results`` to the record ``path``; other images keep their entries.

    ``plans``: the digest of each image's plan.
    """
    made = {result.name: Recorded(plans[result.name], result) for result in results}
    write_atomic(path, serialize({**read(path), **made}))
