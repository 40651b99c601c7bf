"""The timeline of a build: its page, its trace, and the record that the next is compared with."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from nox_buildkit.files import write_atomic
from nox_buildkit.oci.layer_contents import Part, contents_of
from nox_buildkit.oci.layout import Layout
from nox_buildkit.report.timeline import page, record, trace
from nox_buildkit.report.timeline.comparison import step_times
from nox_buildkit.report.timeline.model import ImageEntry, Timeline
from nox_buildkit.report.timeline.recorder import Recorded
from nox_buildkit.report.timeline.steps import steps_of
from nox_buildkit.results.model import ImageResult
from nox_buildkit.stopwatch import Stopwatch

#: A record of a thousand images is smaller, in bytes.
_LARGEST = 1 << 26
_UNREADABLE = (OSError, tarfile.TarError)

Contents = Mapping[str, tuple[Part, ...]]


def with_timeline(
    output: Path,
    watch: Stopwatch,
    bakes: Sequence[Recorded],
    results: Sequence[ImageResult],
    layouts: Mapping[str, Layout],
) -> list[ImageResult]:
    """Write what a build did into ``output``; return its results with the time it took.

    ``layouts``: of the images, by name. Raises OSError.
    """
    with watch.step("sizes of parts"):
        contents = _contents(results, layouts)
    # Locks and bases take their time, too, and people wait for all of it.
    seconds = time.monotonic() - watch.began
    timed = [replace(result, seconds=seconds) for result in results]
    before = _before(output / record.NAME)
    timeline = _timeline(watch, bakes, timed, contents, before)
    write_atomic(output / page.NAME, page.to_page(timeline, before))
    write_atomic(output / trace.NAME, trace.to_trace(timeline))
    # The last one: what was not written is compared with the same build again.
    write_atomic(output / record.NAME, record.serialize(timeline))
    return timed


def _contents(results: Sequence[ImageResult], layouts: Mapping[str, Layout]) -> Contents:
    """Return the parts of each layer of ``results`` that can be read."""
    found: dict[str, tuple[Part, ...]] = {}
    for result in results:
        for layer in {layer for each in result.platforms for layer in each.layers}:
            try:
                found[layer.digest] = contents_of(layouts[result.name].path(layer.digest))
            except _UNREADABLE:
                # Its size is known all the same.
                continue
    return dict(sorted(found.items()))


def _timeline(
    watch: Stopwatch,
    bakes: Sequence[Recorded],
    results: Sequence[ImageResult],
    contents: Contents,
    before: Timeline | None,
) -> Timeline:
    steps = steps_of(watch, bakes)
    entries = {
        result.name: ImageEntry(result.platforms, step_times(result.name, steps))
        for result in results
    }
    images = {**(before.images if before else {}), **entries}
    known = {**(before.contents if before else {}), **contents}
    used = {
        layer.digest
        for entry in images.values()
        for platform in entry.platforms
        for layer in platform.layers
    }
    return Timeline(
        tuple(entries),
        watch.began_at,
        max(result.seconds for result in results),
        steps,
        images,
        {digest: parts for digest, parts in known.items() if digest in used},
    )


def _before(path: Path) -> Timeline | None:
    """Return the record of the build before; one that cannot be read counts as none."""
    try:
        with path.open("rb") as stream:
            return record.parse(stream.read(_LARGEST))
    except (OSError, ValueError):
        return None
