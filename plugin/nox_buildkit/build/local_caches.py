"""Layer caches in folders of this machine: proved before they are read, replaced as a whole.

BuildKit writes no blob again that is there by name, so a damaged one would stay, and removes none,
so a folder would grow with every build: each export goes into a new folder.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.errors import Code, PlanError
from nox_buildkit.files import remove
from nox_buildkit.oci.content import Index, Manifest, is_index
from nox_buildkit.oci.layout import Layout

_ENTRY = re.compile(r"[a-z0-9_-]+\.linux-[a-z0-9-]+|\..*")


def cache_folders(root: Path, spec: BuildSpec) -> Iterator[Path]:
    """Yield the folders below ``root`` that hold caches of the images; they are in no image.

    Raises PlanError for one that holds other files: they would be in no image, either.
    """
    for name, image in spec.images.items():
        stated = image.layer_cache
        if stated and stated.folder:
            folder = root / stated.folder
            others = [p.name for p in _listed(folder) if not _ENTRY.fullmatch(p.name)]
            if others:
                message = f"the cache's folder '{stated.folder}' holds other files ({others[0]})"
                where = spec.location("images", name, "cache")
                raise PlanError(Code.CONTEXT(message, "name a folder of its own as 'path'", where))
            yield folder


def is_whole(folder: Path) -> bool:
    """Tell whether all that the cache in ``folder`` refers to is in it, unaltered."""
    layout = Layout(folder)
    try:
        tops = [entry.digest for entry in layout.entries()]
        return bool(tops) and all(layout.is_unaltered(x) for top in tops for x in _all(layout, top))
    except (OSError, ValueError):
        return False


def take_place(written: Path, kept: Path) -> None:
    """Move the cache ``written`` to the place of ``kept``, unless its export did not end."""
    if is_whole(written):
        kept.parent.mkdir(parents=True, exist_ok=True)
        remove(kept)
        shutil.move(written, kept)


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _all(layout: Layout, top: str) -> list[str]:
    """Return the digests of a cache: a manifest, or, of an older BuildKit, an index of blobs."""
    content = layout.read(top)
    if is_index(content):
        return [top, *(each.digest for each in Index.parse(content).manifests)]
    manifest = Manifest.parse(content)
    return [top, manifest.config.digest, *(layer.digest for layer in manifest.layers)]
