"""Files that builds and releases write into an output folder, wherever that is.

They are in no image. Another folder may be named for every run, so what an earlier run wrote is
recognised by the record that it left beside it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from nox_buildkit.files import PART

BUILD: Final = "build.json"
RELEASE: Final = "release.json"
JOURNAL: Final = "release-journal.json"
TIMELINE: Final = "timeline.json"
TIMELINE_PAGE: Final = "timeline.html"
TRACE: Final = "trace.json"
#: The folder with a record of each runner of a CI matrix.
RESULTS: Final = "results"

#: A build writes each of them.
_BUILT: Final = (BUILD, TIMELINE, TIMELINE_PAGE, TRACE)
_NAMES: Final = frozenset((*_BUILT, RELEASE, JOURNAL))
_ARCHIVE: Final = ".oci.tar"
#: All names end so: a folder may have a hundred thousand others.
_ENDS: Final = (".json", ".html", _ARCHIVE, PART)
#: A record of a thousand images is smaller, in bytes.
_LARGEST: Final = 1 << 26


def archive_name(image: str) -> str:
    """Return the name of the file that ``image`` is packed into."""
    return f"{image}{_ARCHIVE}"


def output_files(folder: Path, images: Iterable[str]) -> tuple[Path, ...]:
    """Return the files that a build of ``images`` writes into ``folder``."""
    return tuple(folder / name for name in (*_BUILT, *map(archive_name, images)))


def is_output_file(path: str) -> bool:
    """Tell whether an earlier run wrote the file ``path``."""
    if not path.endswith(_ENDS):
        return False
    if path.endswith(PART):
        return True
    folder, name = os.path.split(path)
    if name in (BUILD, RELEASE):
        return bool(_recorded(path))
    if name in _NAMES:
        return bool(_built(folder))
    if name.endswith(_ARCHIVE):
        return name.removesuffix(_ARCHIVE) in _built(folder)
    above, _, last = folder.rpartition("/")
    return last == RESULTS and any(name.startswith(f"{image}-") for image in _built(above))


def _built(folder: str) -> frozenset[str]:
    """Return the images that the records of ``folder`` tell of."""
    return _recorded(f"{folder}/{BUILD}") | _recorded(f"{folder}/{RELEASE}")


def _recorded(path: str) -> frozenset[str]:
    """Return the images that the record ``path`` tells of; none if it is something else."""
    try:
        with Path(path).open("rb") as stream:
            images = json.loads(stream.read(_LARGEST))["images"]
        # Others have files of these names, too.
        return frozenset(name for name, each in images.items() if each["plan"] and each["digest"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return frozenset()
