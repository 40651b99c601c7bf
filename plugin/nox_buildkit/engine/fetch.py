"""Get an image's configuration and layers through BuildKit, to look into them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nox_buildkit.engine.buildkit import Engine
from nox_buildkit.engine.client import answer
from nox_buildkit.engine.events.diagnose import explain_base, spoken
from nox_buildkit.engine.flags.output import Output
from nox_buildkit.errors import EngineError
from nox_buildkit.oci.layout import Layout

#: For all layers of a base.
SECONDS = 1800


@dataclass(frozen=True, slots=True)
class FetchedImage:
    """An image of one platform: its process configuration, and its layers from the lowest."""

    config: Mapping[str, Any]
    layers: tuple[Path, ...]


def fetch(
    engine: Engine, reference: str, platforms: Iterable[str], folder: Path
) -> dict[str, FetchedImage]:
    """Export ``reference`` for ``platforms`` into the new folder ``folder``, as an OCI layout.

    Raises EngineError.
    """
    context = folder.with_name(f"{folder.name}.context")
    context.mkdir()
    arguments: list[str | Path] = [
        "buildx", "--builder", engine.builder, "build",
        "--platform", ",".join(platforms), "--progress", "plain", "--provenance=false",
        "--build-context", f"base=docker-image://{reference}",
        "--build-arg", "BUILDKIT_MULTI_PLATFORM=1",
        "--output", str(Output.layout(folder)),
        "--file", "-", context,
    ]  # fmt: skip
    done = answer(
        engine.docker, arguments, f"the base {reference}", seconds=SECONDS, given=b"FROM base\n"
    )
    if done.returncode:
        raise EngineError(explain_base(reference, spoken(done.errors.splitlines())))
    layout = Layout(folder)
    images = {}
    for _, manifest in layout.images(layout.entries()[0].digest):
        configuration = layout.configuration(manifest)
        images[str(configuration.platform)] = FetchedImage(
            configuration.process, layout.layers(manifest)
        )
    return images
