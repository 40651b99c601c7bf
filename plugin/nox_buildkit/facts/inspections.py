"""Inspected images, kept by digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from nox_buildkit.bases.image_inspection import ImageInspection, look
from nox_buildkit.cache_entries import read_cached, write_cached
from nox_buildkit.files import cache_dir, private_dir, scratch
from nox_buildkit.plan.wheel_platforms import Libc

if TYPE_CHECKING:
    from nox_buildkit.engine.fetch import FetchedImage

#: Counts changes of what is found out about the same image.
_FORMAT = 4

#: Fetches the image of each platform into a new folder.
Fetch = Callable[[Sequence[str], Path], Mapping[str, "FetchedImage"]]


def inspections(digest: str, platforms: Sequence[str], fetch: Fetch) -> dict[str, ImageInspection]:
    """Return what the image ``digest`` is like on each of ``platforms``.

    ``fetch`` is called for those that were not inspected before. Raises what it raises.
    """
    path = entry_of(digest)
    known = _kept(path)
    missing = [platform for platform in platforms if platform not in known]
    if missing:
        with scratch(path.parent, ".fetch-") as folder:
            fetched = fetch(missing, folder / "layout")
            known |= {name: look(one.config, one.layers) for name, one in fetched.items()}
        keep(path, known)
    return {platform: known[platform] for platform in platforms}


def entry_of(digest: str) -> Path:
    """Return the cache entry of the image ``digest``."""
    return private_dir(cache_dir() / "bases") / f"{digest.replace(':', '-')}.{_FORMAT}.json"


def keep(path: Path, known: Mapping[str, ImageInspection]) -> None:
    """Keep what is known of an image, by platform."""
    write_cached(path, {platform: asdict(inside) for platform, inside in known.items()})


def _kept(path: Path) -> dict[str, ImageInspection]:
    return {
        platform: ImageInspection(
            **{
                **values,
                "libc": values["libc"]
                and Libc(values["libc"]["family"], tuple(values["libc"]["version"])),
                "distribution": tuple(values["distribution"]),
                "entrypoint": tuple(values["entrypoint"]),
                "command": tuple(values["command"]),
            }
        )
        for platform, values in (read_cached(path) or {}).items()
    }
