"""The size of an image beside that of the one which its tags name until now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nox_buildkit.oci.content import Index, Manifest, is_index
from nox_buildkit.release.publish import Destination
from nox_buildkit.release.repository import RegistryError, Repository
from nox_buildkit.report.figures import size as size_words

#: Smaller changes are not told, and from the second on they are a warning.
_TOLD, _MUCH = 0.01, 0.25


def size_changes(destinations: Iterable[Destination]) -> Iterator[str]:
    """Yield a line for each platform whose image is larger or smaller than the published one.

    The first repository of an image counts.
    """
    seen = set()
    for each in destinations:
        moved = next((move for move in each.moves if move.verdict == "move" and move.before), None)
        if moved is None or moved.before is None or each.candidate.image in seen:
            continue
        seen.add(each.candidate.image)
        try:
            before = _published(each.repository, moved.before)
        except (RegistryError, ValueError):
            # Whatever the tag names, it is going to name something else.
            continue
        for descriptor, manifest in each.candidate.layout.images(each.candidate.digest):
            size, old = _size(manifest), before.get(str(descriptor.platform))
            if old and abs(size - old) > _TOLD * old:
                yield _line(f"{each.candidate.image} {descriptor.platform}", size, old, moved.tag)


def _line(name: str, size: int, old: int, tag: str) -> str:
    grown = size - old
    words = f"{size_words(abs(grown))} {'more' if grown > 0 else 'less'} than {tag} until now"
    line = f"{name}: {size_words(size)}, {words}"
    return f"warning: {line}" if grown > _MUCH * old else line


def _published(repository: Repository, digest: str) -> dict[str, int]:
    """Return the compressed size of each platform's image in an index."""
    content = repository.manifest(digest)
    if not is_index(content):
        return {}
    return {
        str(entry.platform): _size(Manifest.parse(repository.manifest(entry.digest)))
        for entry in Index.parse(content).images
    }


def _size(manifest: Manifest) -> int:
    return manifest.config.size + sum(layer.size for layer in manifest.layers)
